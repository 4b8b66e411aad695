"""The sum of the soft Dice loss and the cross-entropy."""

from __future__ import annotations

import keras
from keras import ops

from keras_lvseg.losses.sparse_soft_dice import SparseSoftDice
from keras_lvseg.losses.sparse_softmax_ce import SparseSoftmaxCE
from keras_lvseg.ops.arguments import check_weight


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseDiceCE(keras.losses.Loss):
    """`dice_weight * SparseSoftDice + ce_weight * SparseSoftmaxCE`, of integer labels and logits.

    Each of the two is weighted and reduced on its own, as its page says, with the arguments given here.

    Args:
        dice_weight: Factor of `SparseSoftDice`.
        ce_weight: Factor of `SparseSoftmaxCE`.
        class_weights: A weight for each class in the cross-entropy; None for 1.
        label_smoothing: Of the cross-entropy, from 0 to 1.
        include_background: Whether class 0 has a part in the Dice loss.
        ignore_class: Label of pixels to leave out, such as 255; None for none.
        average: Of the Dice loss, `"image"` or `"batch"`.
        reduction: As in every keras loss; `"none"` gives each pixel its cross-entropy and its image's Dice
            loss.
        name: Name of the loss.
        dtype: As in every keras loss; computation and result are float32 whatever it is.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of two or more.
        sample_weight: `(B,)` weights images; `(B, *)` or `(B, *, 1)` weights pixels.

    Raises:
        ValueError: An argument breaks its rule, or, when called, shapes do not fit.

    Example:
        >>> loss = SparseDiceCE()
        >>> round(float(loss([[0, 1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        1.1931

    References:
        - Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image
          segmentation", Nature Methods 18 (2021).
    """

    def __init__(
        self,
        dice_weight=1.0,
        ce_weight=1.0,
        class_weights=None,
        label_smoothing=0.0,
        include_background=False,
        ignore_class=None,
        average="image",
        reduction="mean_with_sample_weight",
        name="sparse_dice_ce",
        dtype=None,
    ):
        check_weight("dice_weight", dice_weight)
        check_weight("ce_weight", ce_weight)
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.dice_weight = dice_weight
        self.ce_weight = ce_weight
        shared = {"ignore_class": ignore_class, "reduction": reduction, "dtype": dtype}
        self._dice = SparseSoftDice(average=average, include_background=include_background, **shared)
        self._ce = SparseSoftmaxCE(class_weights=class_weights, label_smoothing=label_smoothing, **shared)

    def __call__(self, y_true, y_pred, sample_weight=None):
        """Compute the loss.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`.
            sample_weight: `(B,)` for images, `(B, *)` or `(B, *, 1)` for pixels; None for 1.

        Returns:
            A float32 scalar; with reduction "none" a value for each pixel.
        """
        with keras.name_scope(self.name):
            ce = self._ce(y_true, y_pred, sample_weight)
            dice = self._dice(y_true, y_pred, sample_weight)
            if self.reduction in (None, "none"):
                dice = ops.reshape(dice, (-1,) + (1,) * (len(ce.shape) - 1))
            return self.dice_weight * dice + self.ce_weight * ce

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **self._ce.get_config(),
            **self._dice.get_config(),
            "name": self.name,
            "dice_weight": self.dice_weight,
            "ce_weight": self.ce_weight,
        }
