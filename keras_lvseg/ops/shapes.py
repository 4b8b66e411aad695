"""Which label, prediction and weight shapes fit together: one rule for the metric and the losses.

Nothing is guessed and nothing is broadcast. A function here returns its tensors in the one shape that the
counting works on, `(B, *)` for anything that has a value a pixel, or raises a ValueError that names every
shape it was given. Sizes that TensorFlow only knows while the graph runs are checked then, by the operations
that need them equal.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

Tensor = Any


def channel_pixels(labels: Tensor, scores: Tensor, hint: str = "") -> Tensor:
    """Fit integer labels to scores that have a channel for each class.

    Args:
        labels: `(B, *)` or `(B, *, 1)`.
        scores: `(B, *, C)` with C of two or more.
        hint: What else the error should say.

    Returns:
        The labels as `(B, *)`.

    Raises:
        ValueError: The shapes do not fit.
    """
    fitted = _fit(labels, ops.shape(scores)[:-1]) if _has_classes(scores) else None
    if fitted is None:
        raise ValueError(
            "Class scores need shape (B, *, C) with C >= 2 and labels of shape (B, *) or (B, *, 1). "
            f"{hint}Received: {_received(labels, scores)}"
        )
    return fitted


def one_hot_pixels(labels: Tensor, prediction: Tensor, prediction_is_map: bool) -> Tensor:
    """Fit one-hot labels to scores of the same classes, or to a map that has one value a pixel.

    Args:
        labels: `(B, *, C)` with C of two or more.
        prediction: `(B, *, C)`; or, as a map, `(B, *)` or `(B, *, 1)`.
        prediction_is_map: Which of the two the prediction is.

    Returns:
        The prediction, as `(B, *)` when it is a map.

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
        expected = "(B, *) or (B, *, 1)" if prediction_is_map else "(B, *, C) too"
        raise ValueError(
            "One-hot labels (sparse_y_true=False) need shape (B, *, C) with C >= 2 and a prediction of shape "
            f"{expected}. Received: {_received(labels, prediction)}"
        )
    return fitted


def label_map_pixels(labels: Tensor, prediction: Tensor, hint: str = "") -> tuple[Tensor, Tensor]:
    """Fit integer labels to a prediction that has one value a pixel.

    Args:
        labels: `(B, *)` or `(B, *, 1)`.
        prediction: `(B, *)` or `(B, *, 1)`.
        hint: What else the error should say.

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
    raise ValueError(
        "A prediction with one value a pixel needs shape (B, *) or (B, *, 1), and labels of the same pixels. "
        f"{hint}Received: {_received(labels, prediction)}"
    )


def split_weights(sample_weight: Tensor | None, pixels: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Tell weights of images from weights of pixels, by their rank alone.

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
    of_images = len(sample_weight.shape) == 1
    fitted = _fit(sample_weight, shape[:1] if of_images else shape)
    if fitted is None:
        raise ValueError(
            "`sample_weight` needs shape (B,), to weight images, or (B, *) or (B, *, 1), to weight pixels. "
            f"Received: sample_weight.shape={_shape(sample_weight)}, for labels of shape {_shape(pixels)}"
        )
    return (fitted, None) if of_images else (None, fitted)


def flat_images(pixels: Tensor) -> Tensor:
    """Return `(B, *)` as `(B, N)`, also where B is 0: a replica may have no share of the last batch."""
    batch, *spatial = ops.shape(pixels)
    return ops.reshape(pixels, (batch, math.prod(spatial)))


def _fit(x: Tensor, shape: tuple) -> Tensor | None:
    """Return `x` in this shape, less an axis of one channel; None where it has another shape."""
    own_shape = shape if len(x.shape) == len(shape) else (*shape, 1)
    if not _compatible(x.shape, own_shape):
        return None
    if not all(isinstance(size, int) for size in (*x.shape, *shape)):
        # Sizes not known yet have to agree then. Nothing can be broadcast to a negative size, so this raises.
        sizes = zip(ops.shape(x), own_shape, strict=True)
        x = ops.broadcast_to(x, [ops.where(ops.equal(own, size), size, -1) for own, size in sizes])
    return ops.reshape(x, shape)


def _compatible(a: tuple, b: tuple) -> bool:
    """Tell whether two shapes may be the same, as far as their sizes are known."""
    known = [(m, n) for m, n in zip(a, b, strict=False) if isinstance(m, int) and isinstance(n, int)]
    return len(a) == len(b) and all(m == n for m, n in known)


def _has_classes(scores: Tensor) -> bool:
    return len(scores.shape) > 1 and scores.shape[-1] is not None and scores.shape[-1] > 1


def _received(labels: Tensor, prediction: Tensor) -> str:
    return f"y_true.shape={_shape(labels)}, y_pred.shape={_shape(prediction)}"


def _shape(x: Tensor) -> tuple[int | None, ...]:
    return tuple(x.shape)
