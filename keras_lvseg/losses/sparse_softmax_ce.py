"""Softmax and cross-entropy with integer labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_lvseg.errors import invalid_argument
from keras_lvseg.losses.sparse_loss import Pixels, Reduction, SparseLoss
from keras_lvseg.ops.arguments import check_fraction, check_weight
from keras_lvseg.ops.shapes import Tensor

_LOWEST = -1e9  # logarithm of a probability that is 0 in float32


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseSoftmaxCE(SparseLoss):
    """Softmax, then cross-entropy with integer labels; takes logits.

    Without weights it is the mean over pixels of `-log(softmax(logits))[label]`. With class and sample weights w it is
    `sum(w * l) / sum(w)`, like the mean of `torch.nn.functional.cross_entropy`. Keras averages the loss that it prints,
    and the gradients of replicas, over batches. Their average may differ from the weighted mean of all pixels at once.

    A label outside `[0, C)` that is not `ignore_class` makes the loss NaN on every backend, also where its weight is
    zero. If all pixels are ignored, the loss is 0. Pixels that a Keras mask of the prediction excludes are ignored.

    Args:
        class_weights: Weight of each class, in order. None means 1.
        label_smoothing: Fraction of the label that is spread over all classes, each with its own weight, from 0 to 1.
        ignore_class: Label of pixels to ignore, such as 255, or None.
        merged_classes: Partial labels. `{3: (0, 2)}` says that label 3 stands for class 0 or class 2. The loss of such
            a pixel is `-log` of the sum of their probabilities. Its class weight is the mean of their weights.
        reduction: `"mean_with_sample_weight"` as above. `"sum_over_batch_size"` or `"mean"` for `sum(w * l)` divided by
            the number of pixels that are not ignored. `"sum"`. `"none"` for `w * l`, `(B, *)`.
        name: Name of the loss.
        dtype: As in every Keras loss. Computation and result are float32 under every dtype.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of at least 2.
        sample_weight: `(B,)` weights images. `(B, *)` or `(B, *, 1)` weights pixels.

    Raises:
        ValueError: An argument is invalid, or, when called, the shapes do not fit.

    Example:
        >>> loss = SparseSoftmaxCE()
        >>> round(float(loss([[0, 1]], [[[0.0, 0.0], [0.0, 1.0]]])), 4)
        0.5032
        >>> weighted = SparseSoftmaxCE(class_weights=(1.0, 3.0), ignore_class=255)
        >>> round(float(weighted([[0, 1, 255]], [[[0.0, 0.0], [0.0, 1.0], [9.0, 0.0]]])), 4)
        0.4082

    References:
        - Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016 (label smoothing).
    """

    def __init__(
        self,
        class_weights: Sequence[float] | None = None,
        *,
        label_smoothing: float = 0.0,
        ignore_class: int | None = None,
        merged_classes: Mapping[int, Sequence[int]] | None = None,
        reduction: Reduction = "mean_with_sample_weight",
        name: str = "sparse_softmax_ce",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        if class_weights is not None:
            for weight in class_weights:
                check_weight("class_weights", weight)
            class_weights = tuple(float(weight) for weight in class_weights)
        check_fraction("label_smoothing", label_smoothing)
        super().__init__(
            ignore_class=ignore_class, merged_classes=merged_classes, reduction=reduction, name=name, dtype=dtype
        )
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted cross-entropy, the weight and the validity of each pixel."""
        num_classes = pixels.log_probabilities.shape[-1]
        if self.class_weights is not None and len(self.class_weights) != num_classes:
            expected = f"a weight for each of the {num_classes} classes of the logits"
            raise invalid_argument("class_weights", self.class_weights, expected)
        class_weights = ops.convert_to_tensor(self.class_weights or (1.0,) * num_classes, dtype="float32")
        costs = -class_weights * pixels.log_probabilities
        label_weights = ops.sum(ops.where(pixels.classes, class_weights, 0.0), axis=-1)
        if self.merged_classes:
            members = ops.sum(ops.cast(pixels.classes, "float32"), axis=-1)
            label_weights = label_weights / ops.maximum(members, 1.0)
            # A finite number, because the gradient of a pixel without classes would be NaN with minus infinity.
            of_label = ops.where(pixels.classes, pixels.log_probabilities, _LOWEST)
            values = -label_weights * ops.logsumexp(of_label, axis=-1)
        else:
            values = ops.sum(ops.where(pixels.classes, costs, 0.0), axis=-1)
        if self.label_smoothing:
            spread = ops.mean(costs, axis=-1)
            values = (1.0 - self.label_smoothing) * values + self.label_smoothing * spread

        image_weights = ops.reshape(pixels.image_weights, (-1,) + (1,) * (len(values.shape) - 1))
        weights = pixels.pixel_weights * image_weights
        # 0 * infinity would be NaN.
        values = ops.where(ops.equal(weights, 0.0), 0.0, weights * values) + pixels.invalid_nan
        return values, weights * label_weights, pixels.valid

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
        }
