"""The soft Dice loss with integer labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_lvseg.losses.sparse_loss import Pixels, Reduction, SparseLoss
from keras_lvseg.ops.arguments import check_choice
from keras_lvseg.ops.shapes import Tensor


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseSoftDice(SparseLoss):
    """1 minus the Dice coefficient of softmax probabilities p and integer labels; takes logits.

    For a class that the labels of an image contain, t is 1 at its pixels and 0 elsewhere, and the loss is
    `1 - 2 * sum(p * t) / sum(p + t)`. For a class that they do not contain, this formula gives 1 without a gradient.
    The loss is then `mean(p)`, the fraction of the image that the prediction assigns to the class. The loss of an image
    is the mean over classes.

    A label outside `[0, C)` that is not `ignore_class` makes the loss NaN on every backend, also where its weight is
    zero. Images are left out if all their pixels are ignored or have weight zero. If all images are left out, the loss
    is 0. Pixels that a Keras mask of the prediction excludes are ignored.

    Args:
        average: `"image"` for the mean over images of the loss of each image. `"batch"` for one loss of all pixels of
            the batch together.
        include_background: Whether the mean over classes includes class 0.
        ignore_class: Label of pixels to ignore, such as 255, or None.
        merged_classes: Partial labels. `{3: (0, 2)}` says that label 3 stands for class 0 or class 2. The loss of these
            two classes leaves such pixels out. They count as not of the other classes.
        reduction: `"mean_with_sample_weight"` for `sum(w * l) / sum(w)` over images. `"sum_over_batch_size"` or
            `"mean"` for `sum(w * l)` divided by the number of images that are not left out. `"sum"`. `"none"` for
            `w * l`, `(B,)`. With `average="batch"` there is one value.
        name: Name of the loss.
        dtype: As in every Keras loss. Computation and result are float32 under every dtype.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of at least 2.
        sample_weight: `(B,)` weights images. `(B, *)` or `(B, *, 1)` weights pixels within the sums.

    Raises:
        ValueError: An argument is invalid, or, when called, the shapes do not fit.

    Example:
        >>> loss = SparseSoftDice()
        >>> float(loss([[0, 1]], [[[30.0, -30.0], [-30.0, 30.0]]]))
        0.0
        >>> float(loss([[0, 0]], [[[0.0, 0.0], [0.0, 0.0]]]))
        0.5

    References:
        - Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation",
          2016.
    """

    def __init__(
        self,
        average: Literal["image", "batch"] = "image",
        *,
        include_background: bool = False,
        ignore_class: int | None = None,
        merged_classes: Mapping[int, Sequence[int]] | None = None,
        reduction: Reduction = "mean_with_sample_weight",
        name: str = "sparse_soft_dice",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        check_choice("average", average, ("image", "batch"))
        super().__init__(
            ignore_class=ignore_class, merged_classes=merged_classes, reduction=reduction, name=name, dtype=dtype
        )
        self.average = average
        self.include_background = include_background

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weighted loss, the weight and the validity of each image, or of the batch."""
        images, *spatial, num_classes = ops.shape(pixels.log_probabilities)
        size = math.prod(spatial)
        image_weights = pixels.image_weights
        weights = ops.reshape(pixels.pixel_weights, (images, size))
        if self.average == "batch":
            weights = weights * ops.expand_dims(image_weights, 1)
            image_weights = ops.ones((1,), "float32")
            images, size = 1, images * size
        weights = ops.reshape(weights, (images, size, 1))
        valid = ops.cast(ops.sum(weights, axis=(1, 2)) > 0, "float32")
        label = ops.cast(ops.reshape(pixels.classes, (images, size, num_classes)), "float32")
        if self.merged_classes:
            is_merged = ops.sum(label, axis=-1, keepdims=True) > 1.0
            weights = ops.where(ops.logical_and(is_merged, label > 0.0), 0.0, weights)
            label = ops.where(is_merged, 0.0, label)
        # The cross-entropy needs the logarithm as well, and a second softmax costs more than the exponential.
        probability = weights * ops.exp(ops.reshape(pixels.log_probabilities, (images, size, num_classes)))

        overlap = ops.sum(probability * label, axis=1)
        assigned, labelled = ops.sum(probability, axis=1), ops.sum(weights * label, axis=1)
        area = ops.sum(weights, axis=1)
        is_empty = ops.equal(labelled, 0.0)
        dice_loss = 1.0 - 2.0 * overlap / ops.where(is_empty, 1.0, assigned + labelled)
        share = assigned / ops.where(ops.equal(area, 0.0), 1.0, area)
        first = 0 if self.include_background else 1
        loss = ops.mean(ops.where(is_empty, share, dice_loss)[:, first:], axis=1)

        image_weights = image_weights * valid
        invalid_nan = ops.sum(ops.reshape(pixels.invalid_nan, (images, size)), axis=1)
        return image_weights * loss + invalid_nan, image_weights, valid

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "average": self.average,
            "include_background": self.include_background,
        }
