"""Counts of overlap between two masks, and the Dice coefficient of each image."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_lvseg.ops.counts import packed_count, packed_mask
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
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype == "bool" or (keras.backend.is_int_dtype(dtype) and not 0 <= class_id < 128):
        labels = ops.cast(labels, "int32")  # every integer dtype holds 0 to 127; other classes may be out of its range
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
    if weights is None:
        predicted, truth = packed_mask(predicted), packed_mask(truth)
        return packed_count(ops.bitwise_and(predicted, truth)), packed_count(predicted + truth)
    predicted, truth, weights = (ops.cast(flat_images(pixels), "float32") for pixels in (predicted, truth, weights))
    return pixel_sum(predicted * truth * weights), pixel_sum((predicted + truth) * weights)


def _highest(scores: Tensor) -> Tensor:
    return scores[..., 0] if scores.shape[-1] == 1 else ops.max(scores, axis=-1)
