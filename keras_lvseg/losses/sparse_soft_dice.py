"""One less the Dice coefficient of probabilities, with integer labels."""

from __future__ import annotations

import math

import keras
from keras import ops

from keras_lvseg.losses.sparse_loss import Pixels, SparseLoss, Tensor
from keras_lvseg.ops.arguments import check_choice


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseSoftDice(SparseLoss):
    """One less the Dice coefficient of softmax probabilities p and integer labels; takes logits.

    For a class that the image has, with t for 1 at its pixels and 0 elsewhere, the loss is
    `1 - 2 * sum(p * t) / sum(p + t)`. For a class that it does not have there is nothing to overlap with, and
    that formula is 1 with no gradient: there the loss is `mean(p)`, the share of the image that is claimed
    for the class, which falls to 0 as the claim is given up. The mean over classes is the image's loss.

    A label outside `[0, C)` that is not `ignore_class` makes the loss NaN on every backend, also where its
    weight is zero. Images whose every pixel is ignored, or of weight zero, are left out; where all are, the
    loss is 0.

    Args:
        average: `"image"` for the mean over images of each image's loss, `"batch"` for the loss of all pixels
            of the batch as if they were one image.
        include_background: Whether class 0 has a part in the mean over classes.
        ignore_class: Label of pixels to leave out, such as 255; None for none.
        reduction: `"mean_with_sample_weight"` for `sum(w * l) / sum(w)` over images; `"sum_over_batch_size"`
            or `"mean"` for `sum(w * l)` over the number of images that are not left out; `"sum"`; `"none"`
            for `w * l`, `(B,)`. With `average="batch"` there is one value.
        name: Name of the loss.
        dtype: As in every keras loss; computation and result are float32 whatever it is.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of two or more.
        sample_weight: `(B,)` weights images; `(B, *)` or `(B, *, 1)` weights pixels within the sums.

    Raises:
        ValueError: An argument breaks its rule, or, when called, shapes do not fit.

    Example:
        >>> loss = SparseSoftDice()
        >>> float(loss([[0, 1]], [[[30.0, -30.0], [-30.0, 30.0]]]))
        0.0
        >>> float(loss([[0, 0]], [[[0.0, 0.0], [0.0, 0.0]]]))
        0.5

    References:
        - Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image
          Segmentation", 2016.
    """

    def __init__(
        self,
        average="image",
        include_background=False,
        ignore_class=None,
        reduction="mean_with_sample_weight",
        name="sparse_soft_dice",
        dtype=None,
    ):
        check_choice("average", average, ("image", "batch"))
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        self.average = average
        self.include_background = include_background

    def weighted_values(self, pixels: Pixels) -> tuple[Tensor, Tensor, Tensor]:
        """Give the weighted loss of each image, or of the batch."""
        images, *spatial, num_classes = ops.shape(pixels.logits)
        size = math.prod(spatial)
        image_weights = pixels.image_weights
        weights = ops.reshape(pixels.pixel_weights, (images, size))
        if self.average == "batch":
            weights = weights * ops.expand_dims(image_weights, 1)
            image_weights = ops.ones((1,), "float32")
            images, size = 1, images * size
        weights = ops.reshape(weights, (images, size, 1))
        probability = weights * ops.softmax(ops.reshape(pixels.logits, (images, size, num_classes)), axis=-1)
        label = ops.cast(ops.reshape(pixels.classes, (images, size, num_classes)), "float32")

        overlap = ops.sum(probability * label, axis=1)
        claimed, labelled = ops.sum(probability, axis=1), ops.sum(weights * label, axis=1)
        area = ops.sum(weights, axis=1)
        is_empty = ops.equal(labelled, 0.0)
        dice_loss = 1.0 - 2.0 * overlap / ops.where(is_empty, 1.0, claimed + labelled)
        claim = claimed / ops.where(ops.equal(area, 0.0), 1.0, area)
        first = 0 if self.include_background else 1
        loss = ops.mean(ops.where(is_empty, claim, dice_loss)[:, first:], axis=1)

        kept = ops.cast(area[:, 0] > 0, "float32")
        image_weights = image_weights * kept
        poison = ops.sum(ops.reshape(pixels.poison, (images, size)), axis=1)
        return image_weights * loss + poison, image_weights, kept

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "average": self.average,
            "include_background": self.include_background,
        }
