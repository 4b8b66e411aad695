"""What the losses have in common: labels, logits and weights that fit, and how values become one number."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_integer
from keras_lvseg.ops.shapes import channel_pixels, split_weights

Tensor = Any


class Pixels(NamedTuple):
    """What a loss is computed from.

    Attributes:
        logits: Float32, `(B, *, C)`.
        classes: Booleans, `(B, *, C)`: whether the label is this class. None is where the pixel is ignored.
        kept: Float32, `(B, *)`: 0 where the pixel is ignored, 1 elsewhere.
        poison: Float32, `(B, *)`: NaN where the label is no class and not ignored, 0 elsewhere.
        image_weights: Float32, `(B,)`.
        pixel_weights: Float32, `(B, *)`, 0 where the pixel is ignored.
    """

    logits: Tensor
    classes: Tensor
    kept: Tensor
    poison: Tensor
    image_weights: Tensor
    pixel_weights: Tensor


class SparseLoss(keras.losses.Loss):
    """Base of the losses of integer labels and logits, computed in float32 under every policy.

    Weights are applied here, and not by keras: it would divide by the wrong sum where classes have weights,
    and would take weights `(B,)` for those of columns where B equals the width.

    Args:
        ignore_class: Label of pixels to leave out; None for none.
        reduction: As in every keras loss. What is ignored counts in no mean.
        name: Name of the loss.
        dtype: As in every keras loss; computation and result are float32 whatever it is.
    """

    def __init__(self, ignore_class, reduction, name, dtype):
        if ignore_class is not None:
            check_integer("ignore_class", ignore_class)
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.ignore_class = ignore_class
        self._given_dtype = keras.dtype_policies.get(dtype or keras.config.floatx()).name

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Compute the loss.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`.
            sample_weight: `(B,)` for images, `(B, *)` or `(B, *, 1)` for pixels; None for 1.

        Returns:
            A float32 scalar; the weighted values themselves where the reduction is "none".
        """
        with keras.name_scope(self.name):
            pixels = self._pixels(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred), sample_weight)
            loss, weights, kept = self.weighted_values(pixels)
            if self.reduction not in (None, "none"):
                loss = _total(loss)
                if self.reduction != "sum":
                    divisor = _total(weights if self.reduction == "mean_with_sample_weight" else kept)
                    loss = loss / ops.where(ops.equal(divisor, 0.0), 1.0, divisor)
                loss = ops.reshape(loss, (1,))
        # Keras has the last word on one value: a mean is divided by the number of replicas.
        return super().__call__(loss, loss)

    def call(self, y_true, y_pred):
        """Return what `__call__` has computed."""
        return y_pred

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Compute what is to be summed, and what a mean divides by.

        Returns:
            Three float32 tensors of one shape: the weighted values; their weights; 1 where there is a value
            and 0 where it is left out.
        """
        raise NotImplementedError

    def get_config(self):
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ignore_class": self.ignore_class, "dtype": self._given_dtype}

    def _pixels(self, labels: Tensor, logits: Tensor, sample_weight: Tensor | None) -> Pixels:
        labels = channel_pixels(labels, logits)
        if not keras.backend.is_float_dtype(labels.dtype):
            labels = ops.cast(labels, "int32")
        image_weights, pixel_weights = split_weights(sample_weight, labels)

        classes = ops.equal(ops.expand_dims(labels, -1), ops.arange(logits.shape[-1], dtype=labels.dtype))
        known = ops.any(classes, axis=-1)
        kept = ops.ones_like(labels, dtype="float32")
        if self.ignore_class is not None:
            ignored = ops.equal(labels, self.ignore_class)
            known = ops.logical_or(known, ignored)
            classes = ops.logical_and(classes, ops.logical_not(ops.expand_dims(ignored, -1)))
            kept = ops.where(ignored, 0.0, kept)
        return Pixels(
            logits=ops.cast(logits, "float32"),
            classes=classes,
            kept=kept,
            poison=ops.where(known, ops.zeros_like(kept), float("nan")),
            image_weights=ops.ones(ops.shape(labels)[:1], "float32") if image_weights is None else image_weights,
            pixel_weights=kept if pixel_weights is None else kept * pixel_weights,
        )


def _total(values: Tensor) -> Tensor:
    """Sum over all axes, one after the other: a running float32 sum of many equal weights drifts (on JAX, by 2e-6)."""
    for _ in range(len(values.shape)):
        values = ops.sum(values, axis=-1)
    return values
