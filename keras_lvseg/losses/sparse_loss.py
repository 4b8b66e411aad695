"""The base of the losses: labels, logits, weights and the reduction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_integer, check_merged_classes, check_merged_range
from keras_lvseg.ops.shapes import Tensor, fit_labels_to_scores, split_sample_weight

Reduction = Literal["mean_with_sample_weight", "sum_over_batch_size", "mean", "sum", "none"] | None


class Pixels(NamedTuple):
    """The tensors that a loss is computed from.

    Attributes:
        log_probabilities: Float32, `(B, *, C)`: the logarithm of the softmax of the logits.
        classes: Booleans, `(B, *, C)`: the classes that the label stands for, more than one for a label of
            `merged_classes`, none at an ignored pixel.
        valid: Float32, `(B, *)`: 0 at an ignored pixel, 1 elsewhere.
        invalid_nan: Float32, `(B, *)`: NaN at a label outside `[0, C)` that is neither ignored nor merged, 0 elsewhere.
        image_weights: Float32, `(B,)`.
        pixel_weights: Float32, `(B, *)`, 0 at an ignored pixel.
    """

    log_probabilities: Tensor
    classes: Tensor
    valid: Tensor
    invalid_nan: Tensor
    image_weights: Tensor
    pixel_weights: Tensor


class SparseLoss(keras.losses.Loss):
    """Base of the losses of integer labels and logits, computed in float32 under every dtype policy.

    Weights are applied here and not by Keras. Keras divides by another sum if classes have weights, and reads weights
    `(B,)` as weights of columns if B equals the width.

    Args:
        ignore_class: Label of pixels to ignore, or None.
        merged_classes: Labels that stand for one of several classes, with these classes, or None.
        reduction: As in every Keras loss. Ignored pixels count in no mean.
        name: Name of the loss.
        dtype: As in every Keras loss. Computation and result are float32 under every dtype.
    """

    def __init__(
        self,
        *,
        ignore_class: int | None,
        merged_classes: Mapping[int, Sequence[int]] | None,
        reduction: Reduction,
        name: str,
        dtype: str | keras.DTypePolicy | None,
    ):
        if ignore_class is not None:
            check_integer("ignore_class", ignore_class)
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.ignore_class = ignore_class
        self.merged_classes = check_merged_classes(merged_classes)
        self._given_dtype = keras.dtype_policies.get(dtype or keras.config.floatx()).name

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`. Pixels that a Keras mask excludes are ignored.
            sample_weight: `(B,)` for images, `(B, *)` or `(B, *, 1)` for pixels; None means 1.

        Returns:
            A float32 scalar, or the weighted values if the reduction is "none".
        """
        return self.reduced(self.pixels(y_true, y_pred, sample_weight))

    def reduced(self, pixels: Pixels) -> Tensor:
        """Return what a call returns, from tensors that two losses may share."""
        with keras.name_scope(self.name):
            loss, weights, valid = self.weighted_values(pixels)
            if self.reduction not in (None, "none"):
                loss = _total(loss)
                if self.reduction != "sum":
                    divisor = _total(weights if self.reduction == "mean_with_sample_weight" else valid)
                    loss = loss / ops.where(ops.equal(divisor, 0.0), 1.0, divisor)
                loss = ops.reshape(loss, (1,))
        # Keras divides a mean by the number of replicas.
        return _Values(reduction=self.reduction, name=self.name, dtype="float32")(loss, loss)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values before any reduction, without sample weights.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`.

        Returns:
            Float32, of the shape that the reduction "none" gives.
        """
        return self.weighted_values(self.pixels(y_true, y_pred))[0]

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Return weighted losses, weights and a validity mask.

        Returns:
            Three float32 tensors of one shape: the losses times their weights; the weights; 1 where there is a loss and
            0 where it is left out.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "ignore_class": self.ignore_class,
            "merged_classes": self.merged_classes,
            "dtype": self._given_dtype,
        }

    def pixels(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Pixels:
        """Return the tensors that the loss is computed from."""
        labels, logits = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        labels = fit_labels_to_scores(labels, logits)
        if not keras.backend.is_float_dtype(labels.dtype):
            labels = ops.cast(labels, "int32")
        image_weights, pixel_weights = split_sample_weight(sample_weight, labels)

        classes = ops.equal(ops.expand_dims(labels, -1), ops.arange(logits.shape[-1], dtype=labels.dtype))
        check_merged_range(self.merged_classes, logits.shape[-1])
        for label, members in (self.merged_classes or {}).items():
            stands_for = [index in members for index in range(logits.shape[-1])]
            merged = ops.logical_and(ops.expand_dims(ops.equal(labels, label), -1), stands_for)
            classes = ops.logical_or(classes, merged)
        known = ops.any(classes, axis=-1)
        # A loss of ones is 1 where the Keras mask of the prediction is true: Keras has no public access to that mask.
        masked = _Values(reduction="none", name=self.name, dtype="float32")(ops.ones_like(labels, "float32"), y_pred)
        ignored = ops.equal(masked, 0.0)
        if self.ignore_class is not None:
            ignored = ops.logical_or(ignored, ops.equal(labels, self.ignore_class))
        valid = ops.cast(ops.logical_not(ignored), "float32")
        return Pixels(
            log_probabilities=ops.log_softmax(ops.cast(logits, "float32"), axis=-1),
            classes=ops.logical_and(classes, ops.logical_not(ops.expand_dims(ignored, -1))),
            valid=valid,
            invalid_nan=ops.where(ops.logical_or(known, ignored), ops.zeros_like(valid), float("nan")),
            image_weights=ops.ones(ops.shape(labels)[:1], "float32") if image_weights is None else image_weights,
            pixel_weights=valid if pixel_weights is None else valid * pixel_weights,
        )


class _Values(keras.losses.Loss):
    """Values computed elsewhere, given as `y_true`, to which Keras applies the mask of `y_pred` and the reduction."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_true


def _total(values: Tensor) -> Tensor:
    """Sum over all axes, one after the other.

    A running float32 sum of many equal weights drifts, on JAX by 2e-6.
    """
    for _ in range(len(values.shape)):
        values = ops.sum(values, axis=-1)
    return values
