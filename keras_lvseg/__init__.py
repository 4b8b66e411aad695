"""Keras 3 toolbox for the left ventricle in cine cardiac MRI.

`import keras_lvseg` loads and registers the networks, layers, losses and metrics. Keras can then load saved models
that use them. The names that read data load on first use, because they import modules that a network does not need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_lvseg.errors import DataError
from keras_lvseg.layers import TransposeUpsample, UNetBlock
from keras_lvseg.losses import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient, MeanDice
from keras_lvseg.models import fcn, fully_connected, unet
from keras_lvseg.version import __version__ as __version__

if TYPE_CHECKING:  # the names of _LAZY
    from keras_lvseg.data import SAXDataset, SunnybrookSAXDataset, patient_folds, patient_split
    from keras_lvseg.inference.segmenter import Segmenter

_LAZY = {
    "SAXDataset": "keras_lvseg.data",
    "Segmenter": "keras_lvseg.inference.segmenter",
    "SunnybrookSAXDataset": "keras_lvseg.data",
    "patient_folds": "keras_lvseg.data",
    "patient_split": "keras_lvseg.data",
}

__all__ = [
    "DataError",
    "DiceCoefficient",
    "MeanDice",
    "SAXDataset",
    "Segmenter",
    "SparseDiceCE",
    "SparseSoftDice",
    "SparseSoftmaxCE",
    "SunnybrookSAXDataset",
    "TransposeUpsample",
    "UNetBlock",
    "fcn",
    "fully_connected",
    "patient_folds",
    "patient_split",
    "unet",
]

if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_LAZY[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
