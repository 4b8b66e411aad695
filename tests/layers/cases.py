"""Cases of each layer: arguments, input shapes and expectations."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import pytest

from keras_lvseg.layers import TransposeUpsample, UNetBlock
from tests.harness import LACKS_CHANNELS_FIRST


class Case(NamedTuple):
    layer_class: type[keras.layers.Layer]
    kwargs: dict[str, Any]
    shapes: list[tuple[int, ...]]
    output_shape: tuple[int, ...]
    trainable: int
    non_trainable: int = 0


FIRST = {"data_format": "channels_first"}
CASES = {
    "block_batch": Case(UNetBlock, {"filters": 4}, [(2, 5, 7, 2)], (2, 5, 7, 4), 6, 4),
    "block_group": Case(
        UNetBlock, {"filters": 12, "normalization": "group", "residual": True}, [(2, 4, 4, 2)], (2, 4, 4, 12), 7
    ),
    "block_instance": Case(
        UNetBlock,
        {
            "filters": 4,
            "normalization": "instance",
            "kernel_initializer": "he_normal",
            "convolutions": 1,
            "kernel_size": 5,
        },
        [(2, 5, 7, 2)],
        (2, 5, 7, 4),
        3,
    ),
    "block_layer": Case(
        UNetBlock,
        {"filters": 4, "normalization": "layer", "activation": "gelu", "momentum": 0.5},
        [(2, 5, 7, 2)],
        (2, 5, 7, 4),
        6,
    ),
    "block_plain": Case(
        UNetBlock,
        {
            "filters": 4,
            "normalization": None,
            "dropout": 0.5,
            "convolutions": 3,
            "residual": True,
            "kernel_regularizer": "l2",
        },
        [(2, 5, 7, 2)],
        (2, 5, 7, 4),
        8,
    ),
    "block_first": Case(UNetBlock, {"filters": 4, **FIRST}, [(2, 2, 5, 7)], (2, 4, 5, 7), 6, 4),
    "block_first_group": Case(
        UNetBlock,
        {"filters": 4, "normalization": "group", "residual": True, **FIRST},
        [(2, 2, 5, 7)],
        (2, 4, 5, 7),
        7,
    ),
    "upsample": Case(TransposeUpsample, {"filters": 4}, [(2, 3, 4, 2)], (2, 6, 8, 4), 2),
    "upsample_bilinear": Case(
        TransposeUpsample,
        {"filters": 2, "factor": 3, "kernel_initializer": "bilinear"},
        [(2, 3, 4, 2)],
        (2, 9, 12, 2),
        2,
    ),
    "upsample_cropped": Case(
        TransposeUpsample,
        {"filters": 4, "kernel_initializer": "he_normal", "kernel_regularizer": "l2"},
        [(2, 3, 4, 2), (2, 5, 7, 1)],
        (2, 5, 7, 5),
        2,
    ),
    "upsample_padded": Case(
        TransposeUpsample, {"filters": 4, "kernel_size": 5}, [(2, 3, 4, 2), (2, 7, 7, 1)], (2, 7, 7, 5), 2
    ),
    "upsample_first": Case(TransposeUpsample, {"filters": 4, **FIRST}, [(2, 2, 3, 4), (2, 1, 5, 9)], (2, 5, 5, 9), 2),
}


def parameters(layer_class: type[keras.layers.Layer]) -> list:
    """Return the cases of a layer, for parametrize."""
    return [
        pytest.param(*case, id=name, marks=skip_if(needs_channels_first(name)))
        for name, case in CASES.items()
        if case.layer_class is layer_class
    ]


def needs_channels_first(name: str) -> bool:
    return CASES[name].kwargs.get("data_format") == "channels_first"


def skip_if(first: bool) -> Any:
    return pytest.mark.skipif(
        first and LACKS_CHANNELS_FIRST, reason="TensorFlow's convolutions on a CPU need channels last"
    )
