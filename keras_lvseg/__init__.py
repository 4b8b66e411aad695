"""Keras 3 toolbox for the left ventricle in cine cardiac MRI.

Networks, layers, losses and the metric are here at once, and registered, so that `import keras_lvseg` is all
that a saved model needs. What reads data comes when it is first used: it brings modules that a network does
not need.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from keras_lvseg.layers import TransposeUpsample, UNetBlock
from keras_lvseg.losses import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient
from keras_lvseg.models import fcn, fully_connected, unet

try:
    __version__ = version("keras-lvseg")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"

_LAZY = {
    "DataError": "keras_lvseg.errors",
    "SAXDataset": "keras_lvseg.data",
    "Segmenter": "keras_lvseg.inference.segmenter",
    "SunnybrookSAXDataset": "keras_lvseg.data",
    "patient_folds": "keras_lvseg.data",
    "patient_split": "keras_lvseg.data",
}

__all__ = [
    "DataError",
    "DiceCoefficient",
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


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
