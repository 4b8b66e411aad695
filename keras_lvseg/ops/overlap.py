"""Masks of a class, and the overlap of two masks."""

from __future__ import annotations

import keras
from keras import ops

from keras_lvseg.ops.counts import count_packed, pack_mask
from keras_lvseg.ops.shapes import Tensor, flatten_images
from keras_lvseg.ops.sums import exact_pixel_sum


def label_mask(labels: Tensor, class_id: int) -> Tensor:
    """Return the mask of a class in a label map.

    Args:
        labels: `(B, *)`, booleans, integers, or floats with whole values.
        class_id: Any integer.

    Returns:
        Booleans, `(B, *)`.
    """
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype == "bool" or (keras.backend.is_int_dtype(dtype) and not 0 <= class_id < 128):
        labels = ops.cast(labels, "int32")  # 0 to 127 fit every integer dtype; other classes may not
    return ops.equal(labels, class_id)


def argmax_mask(scores: Tensor, class_id: int) -> Tensor:
    """Return the mask of the pixels at which a class has the highest score.

    Of equal scores the first counts, as in argmax. Two classes need one comparison, which is faster than argmax. Where
    the highest score is NaN, the pixel is in no mask.

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
    above_former = own > _highest(former)
    return above_former if later.shape[-1] == 0 else ops.logical_and(above_former, own >= _highest(later))


def pixel_overlap(predicted: Tensor, truth: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Count, for each image, the pixels that two masks share and the pixels of both masks.

    Args:
        predicted: Booleans, `(B, *)`.
        truth: Booleans, `(B, *)`.
        weights: Float32, `(B, *)`: the weight of each pixel. None means 1.

    Returns:
        The size of the overlap and the sum of both sizes, each float32 `(B, 2)`, as of `exact_sum`.
    """
    if weights is None:
        predicted, truth = pack_mask(predicted), pack_mask(truth)
        return count_packed(ops.bitwise_and(predicted, truth)), count_packed(predicted + truth)
    predicted, truth, weights = (ops.cast(flatten_images(pixels), "float32") for pixels in (predicted, truth, weights))
    return exact_pixel_sum(predicted * truth * weights), exact_pixel_sum((predicted + truth) * weights)


def _highest(scores: Tensor) -> Tensor:
    return scores[..., 0] if scores.shape[-1] == 1 else ops.max(scores, axis=-1)
