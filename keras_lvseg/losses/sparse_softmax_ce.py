"""Softmax and cross-entropy with integer labels."""

from __future__ import annotations

import keras
from keras import ops

from keras_lvseg.losses.sparse_loss import Pixels, SparseLoss, Tensor
from keras_lvseg.ops.arguments import check_fraction, check_weight


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseSoftmaxCE(SparseLoss):
    """Softmax, then cross-entropy with integer labels; takes logits.

    Plain, it is the mean over pixels of `-log(softmax(logits))[label]`. With class and sample weights w it is
    `sum(w * l) / sum(w)`, as the mean of `torch.nn.functional.cross_entropy` is. Keras averages the loss that
    it shows, and the gradients of replicas, over batches; a weighted mean of all pixels at once may differ
    from that.

    A label outside `[0, C)` that is not `ignore_class` makes the loss NaN on every backend, also where its
    weight is zero. Where every pixel is ignored the loss is 0.

    Args:
        class_weights: A weight for each class, in order; None for 1.
        label_smoothing: From 0 to 1: how much of the label is spread over all classes, each with its own
            weight.
        ignore_class: Label of pixels to leave out, such as 255; None for none.
        reduction: `"mean_with_sample_weight"` as above; `"sum_over_batch_size"` or `"mean"` for `sum(w * l)`
            over the number of pixels that are not ignored; `"sum"`; `"none"` for `w * l`, `(B, *)`.
        name: Name of the loss.
        dtype: As in every keras loss; computation and result are float32 whatever it is.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of two or more.
        sample_weight: `(B,)` weights images; `(B, *)` or `(B, *, 1)` weights pixels.

    Raises:
        ValueError: An argument breaks its rule, or, when called, shapes do not fit.

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
        class_weights=None,
        label_smoothing=0.0,
        ignore_class=None,
        reduction="mean_with_sample_weight",
        name="sparse_softmax_ce",
        dtype=None,
    ):
        if class_weights is not None:
            for weight in class_weights:
                check_weight("class_weights", weight)
            class_weights = tuple(float(weight) for weight in class_weights)
        check_fraction("label_smoothing", label_smoothing)
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        self.class_weights = class_weights
        self.label_smoothing = label_smoothing

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Give the weighted cross-entropy of each pixel."""
        num_classes = pixels.logits.shape[-1]
        if self.class_weights is not None and len(self.class_weights) != num_classes:
            raise ValueError(
                f"`class_weights` needs a weight for each of the {num_classes} classes. "
                f"Received: class_weights={self.class_weights}, y_pred.shape={tuple(pixels.logits.shape)}"
            )
        class_weights = ops.convert_to_tensor(self.class_weights or (1.0,) * num_classes, dtype="float32")
        costs = -class_weights * ops.log_softmax(pixels.logits, axis=-1)
        values = ops.sum(ops.where(pixels.classes, costs, 0.0), axis=-1)
        if self.label_smoothing:
            spread = ops.mean(costs, axis=-1)
            values = (1.0 - self.label_smoothing) * values + self.label_smoothing * spread

        of_images = ops.reshape(pixels.image_weights, (-1,) + (1,) * (len(values.shape) - 1))
        weights = pixels.pixel_weights * of_images
        # A weight of zero takes away what is infinite, too.
        values = ops.where(ops.equal(weights, 0.0), 0.0, weights * values) + pixels.poison
        label_weights = ops.sum(ops.where(pixels.classes, class_weights, 0.0), axis=-1)
        return values, weights * label_weights, pixels.kept

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
        }
