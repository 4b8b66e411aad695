"""Counts of overlap between two masks, and the Dice coefficient of each image."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_lvseg.ops.shapes import flat_images
from keras_lvseg.ops.sums import pixel_sum

Tensor = Any


def is_class(labels: Tensor, class_id: int) -> Tensor:
    """Tell the pixels of a class in a label map.

    Args:
        labels: `(B, *)`, of any dtype: booleans, integers, or floats with whole values.
        class_id: Any integer.

    Returns:
        Booleans, `(B, *)`.
    """
    if not keras.backend.is_float_dtype(labels.dtype):
        labels = ops.cast(labels, "int32")  # so that no class is out of the dtype's range
    return ops.equal(labels, class_id)


def wins(scores: Tensor, class_id: int) -> Tensor:
    """Tell the pixels at which a class has the highest score.

    The first of equal scores wins, as in argmax, but none is taken: two classes need one comparison. Where
    the highest score is not a number, no class wins.

    Args:
        scores: `(B, *, C)`.
        class_id: The class, in `[0, C)`.

    Returns:
        Booleans, `(B, *)`.
    """
    if keras.backend.standardize_dtype(scores.dtype) == "bool":
        scores = ops.cast(scores, "uint8")
    own, former, later = scores[..., class_id], scores[..., :class_id], scores[..., class_id + 1 :]
    if class_id == 0:
        return own >= _highest(later)
    won = own > _highest(former)
    return won if later.shape[-1] == 0 else ops.logical_and(won, own >= _highest(later))


def pixel_overlap(predicted: Tensor, truth: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Count, image by image, the pixels that two masks share and the pixels that each has.

    Args:
        predicted: Booleans, `(B, *)`.
        truth: Booleans, `(B, *)`.
        weights: Float32, `(B, *)`: what each pixel counts for; None for 1.

    Returns:
        The size of the overlap and the sum of both sizes, each `(B, 2)` with the parts of `exact_sum`.
    """
    predicted, truth = (ops.cast(flat_images(mask), "float32") for mask in (predicted, truth))
    shared, both = predicted * truth, predicted + truth
    if weights is not None:
        shared, both = shared * flat_images(weights), both * flat_images(weights)
    return pixel_sum(shared), pixel_sum(both)


def _highest(scores: Tensor) -> Tensor:
    return scores[..., 0] if scores.shape[-1] == 1 else ops.max(scores, axis=-1)
