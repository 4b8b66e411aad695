"""Networks built from plain values, and trained networks loaded from disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod
from typing import Any

import keras

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.models.dtype_policy import dtype_policy
from keras_lvseg.models.fcn import fcn
from keras_lvseg.models.fully_connected import fully_connected
from keras_lvseg.models.pretrained import PretrainedInfo, assign_arrays, pretrained_info, read_arrays
from keras_lvseg.models.unet import unet

_NETWORKS: dict[str, Callable[..., keras.Model]] = {"unet": unet, "fcn": fcn, "fully_connected": fully_connected}


def build_network(network: str, architecture: Mapping[str, Any]) -> keras.Model:
    """Build an untrained network.

    Args:
        network: "unet", "fcn" or "fully_connected".
        architecture: Keyword arguments of that function in `keras_lvseg.models`.

    Example:
        >>> build_network("unet", {"filters": 2, "depth": 1}).name
        'unet'
    """
    return _NETWORKS[network](**architecture)


def load_network(name: str | os.PathLike[str]) -> tuple[keras.Model, PretrainedInfo]:
    """Load a trained network, in float32. Nothing in the files can run code.

    Args:
        name: Name of bundled weights, or path of a network's JSON file.

    Returns:
        The network and its plain values.

    Raises:
        DataError: A file is missing or damaged, or the two files do not fit each other.

    Example:
        >>> model, info = load_network("sax-lv")
        >>> model.output_shape, info.data["target"]
        ((None, None, None, 3), 'myocardium')
    """
    info = pretrained_info(name)
    arrays = read_arrays(name)
    with as_data_error(name, "describes a network that cannot be built"), dtype_policy("float32"):
        # Before it is built, because a damaged file may describe a network that no memory can hold.
        expected, got = _largest_kernel(info), sum(array.size for array in arrays.values())
        if got < expected:
            raise DataError(
                name, "describes a network larger than its arrays", expected=f"{expected:,} values", got=f"{got:,}"
            )
        model = build_network(info.network, info.architecture)
    assign_arrays(model, arrays, name)
    return model, info


def _largest_kernel(info: PretrainedInfo) -> int:
    """Return a lower bound for the number of values in the largest kernel of a network."""
    values = info.architecture
    if info.network == "unet":
        return 9 * (values["filters"] * 2 ** values["depth"]) ** 2  # the second convolution at the bottom
    if info.network == "fcn":
        return max(a * b for a, b in pairwise(values["filters"]))
    return prod(values["input_shape"]) * values["hidden_units"]
