"""Which shapes of labels, predictions and weights fit together, for the metric and the losses.

Nothing is guessed and nothing is broadcast. Each function returns tensors in the shape that the counting needs: `(B,
*)` for one value per pixel. Otherwise it raises a ValueError that names all shapes. TensorFlow may know a size only
when a graph runs. Such sizes are checked then, by operations that need them equal.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

Tensor = Any
Shape = tuple[Any, ...]
"""Sizes of the axes; None or a scalar tensor if a size is not known yet."""


def fit_labels_to_scores(labels: Tensor, scores: Tensor, hint: str = "") -> Tensor:
    """Fit integer labels to scores with a channel for each class.

    Args:
        labels: `(B, *)` or `(B, *, 1)`.
        scores: `(B, *, C)` with C of at least 2.
        hint: Sentence to add to the error.

    Returns:
        The labels as `(B, *)`.

    Raises:
        ValueError: The shapes do not fit.
    """
    fitted = _fit(labels, ops.shape(scores)[:-1]) if _has_classes(scores) else None
    if fitted is None:
        raise _misfit("class scores (B, *, C) with C >= 2 and labels (B, *) or (B, *, 1)", labels, scores, hint)
    return fitted


def fit_prediction_to_one_hot(labels: Tensor, prediction: Tensor, prediction_is_map: bool) -> Tensor:
    """Fit a prediction to one-hot labels.

    Args:
        labels: `(B, *, C)` with C of at least 2.
        prediction: `(B, *, C)`; as a map, `(B, *)` or `(B, *, 1)`.
        prediction_is_map: Whether the prediction has one value per pixel instead of scores of all classes.

    Returns:
        The prediction, as `(B, *)` if it is a map.

    Raises:
        ValueError: The shapes do not fit.
    """
    fitted = None
    if _has_classes(labels):
        if prediction_is_map:
            fitted = _fit(prediction, ops.shape(labels)[:-1])
        elif len(prediction.shape) == len(labels.shape):
            fitted = _fit(prediction, ops.shape(labels))
    if fitted is None:
        expected = "(B, *) or (B, *, 1)" if prediction_is_map else "(B, *, C)"
        rule = f"one-hot labels (sparse_y_true=False) (B, *, C) with C >= 2 and a prediction {expected}"
        raise _misfit(rule, labels, prediction)
    return fitted


def fit_label_maps(labels: Tensor, prediction: Tensor, hint: str = "") -> tuple[Tensor, Tensor]:
    """Fit integer labels and a prediction with one value per pixel to each other.

    Args:
        labels: `(B, *)` or `(B, *, 1)`.
        prediction: `(B, *)` or `(B, *, 1)`.
        hint: Sentence to add to the error.

    Returns:
        Both as `(B, *)`.

    Raises:
        ValueError: The shapes do not fit.
    """
    if len(labels.shape) == len(prediction.shape) > 1 and labels.shape[-1] == prediction.shape[-1] == 1:
        labels, prediction = ops.squeeze(labels, -1), ops.squeeze(prediction, -1)
    fitted = _fit(labels, ops.shape(prediction))
    if fitted is not None:
        return fitted, prediction
    fitted = _fit(prediction, ops.shape(labels))
    if fitted is not None:
        return labels, fitted
    rule = "one value per pixel, (B, *) or (B, *, 1), in the prediction and in the labels"
    raise _misfit(rule, labels, prediction, hint)


def split_sample_weight(sample_weight: Tensor | None, pixels: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return sample weights as weights of images or as weights of pixels, depending on their rank.

    Args:
        sample_weight: None, `(B,)`, `(B, *)` or `(B, *, 1)`.
        pixels: A tensor of shape `(B, *)`.

    Returns:
        Float32 weights of the images, `(B,)` or None, and of the pixels, `(B, *)` or None.

    Raises:
        ValueError: The weights have another shape.
    """
    if sample_weight is None:
        return None, None
    sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    shape = ops.shape(pixels)
    weights_images = len(sample_weight.shape) == 1
    fitted = _fit(sample_weight, shape[:1] if weights_images else shape)
    if fitted is None:
        raise ValueError(
            "Invalid shape of `sample_weight`. Expected (B,) for images, or (B, *) or (B, *, 1) for pixels. "
            f"Received: sample_weight.shape={tuple(sample_weight.shape)}, labels of shape {tuple(pixels.shape)}"
        )
    return (fitted, None) if weights_images else (None, fitted)


def flatten_images(pixels: Tensor) -> Tensor:
    """Return `(B, *)` as `(B, N)`. B may be 0: a replica may get no image of the last batch."""
    batch, *spatial = ops.shape(pixels)
    return ops.reshape(pixels, (batch, math.prod(spatial)))


def _fit(x: Tensor, shape: Shape) -> Tensor | None:
    """Return `x` in this shape, without an axis of one channel, or None if it has another shape."""
    own_shape = shape if len(x.shape) == len(shape) else (*shape, 1)
    if not _may_be_equal(x.shape, own_shape):
        return None
    if not all(isinstance(size, int) for size in (*x.shape, *shape)):
        # Unknown sizes must agree when the graph runs. Broadcasting to a negative size raises.
        sizes = zip(ops.shape(x), own_shape, strict=True)
        x = ops.broadcast_to(x, [ops.where(ops.equal(own, size), size, -1) for own, size in sizes])
    return ops.reshape(x, shape)


def _may_be_equal(a: Shape, b: Shape) -> bool:
    """Return whether two shapes agree in all sizes that are known."""
    known = [(m, n) for m, n in zip(a, b, strict=False) if isinstance(m, int) and isinstance(n, int)]
    return len(a) == len(b) and all(m == n for m, n in known)


def _has_classes(scores: Tensor) -> bool:
    return len(scores.shape) > 1 and scores.shape[-1] is not None and scores.shape[-1] > 1


def _misfit(expected: str, labels: Tensor, prediction: Tensor, hint: str = "") -> ValueError:
    received = f"y_true.shape={tuple(labels.shape)}, y_pred.shape={tuple(prediction.shape)}"
    return ValueError(f"Invalid shapes. Expected {expected}. {hint}Received: {received}")
