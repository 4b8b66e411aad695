"""The sum of the soft Dice loss and the cross-entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_lvseg.losses.sparse_loss import Reduction
from keras_lvseg.losses.sparse_soft_dice import SparseSoftDice
from keras_lvseg.losses.sparse_softmax_ce import SparseSoftmaxCE
from keras_lvseg.ops.arguments import check_weight
from keras_lvseg.ops.shapes import Tensor


@keras.saving.register_keras_serializable(package="keras_lvseg")
class SparseDiceCE(keras.losses.Loss):
    """`dice_weight * SparseSoftDice + ce_weight * SparseSoftmaxCE`, of integer labels and logits.

    Each of the two losses is weighted and reduced on its own, with the arguments given here.

    Args:
        dice_weight: Factor of `SparseSoftDice`.
        ce_weight: Factor of `SparseSoftmaxCE`.
        class_weights: Weight of each class in the cross-entropy. None means 1.
        label_smoothing: Label smoothing of the cross-entropy, from 0 to 1.
        include_background: Whether the Dice loss includes class 0.
        ignore_class: Label of pixels to ignore, such as 255, or None.
        merged_classes: Partial labels, such as `{3: (0, 2)}` for "class 0 or class 2", as in the two losses.
        average: `"image"` or `"batch"`, as in `SparseSoftDice`.
        reduction: As in every Keras loss. With `"none"` the value of a pixel is the sum of its cross-entropy and the
            Dice loss of its image.
        name: Name of the loss.
        dtype: As in every Keras loss. Computation and result are float32 under every dtype.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits, `(B, *, C)` with C of at least 2.
        sample_weight: `(B,)` weights images. `(B, *)` or `(B, *, 1)` weights pixels.

    Raises:
        ValueError: An argument is invalid, or, when called, the shapes do not fit.

    Example:
        >>> loss = SparseDiceCE()
        >>> round(float(loss([[0, 1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        1.1931

    References:
        - Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation",
          Nature Methods 18 (2021).
    """

    def __init__(
        self,
        dice_weight: float = 1.0,
        ce_weight: float = 1.0,
        *,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        include_background: bool = False,
        ignore_class: int | None = None,
        merged_classes: Mapping[int, Sequence[int]] | None = None,
        average: Literal["image", "batch"] = "image",
        reduction: Reduction = "mean_with_sample_weight",
        name: str = "sparse_dice_ce",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        check_weight("dice_weight", dice_weight)
        check_weight("ce_weight", ce_weight)
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.dice_weight = dice_weight
        self.ce_weight = ce_weight
        shared: dict[str, Any] = {"ignore_class": ignore_class, "merged_classes": merged_classes}
        shared |= {"reduction": reduction, "dtype": dtype}
        self._dice = SparseSoftDice(average, include_background=include_background, **shared)
        self._ce = SparseSoftmaxCE(class_weights, label_smoothing=label_smoothing, **shared)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`. Pixels that a Keras mask excludes are ignored.
            sample_weight: `(B,)` for images, `(B, *)` or `(B, *, 1)` for pixels; None means 1.

        Returns:
            A float32 scalar, or a value for each pixel if the reduction is "none".
        """
        with keras.name_scope(self.name):
            pixels = self._ce.pixels(y_true, y_pred, sample_weight)  # once for both: PyTorch computes eagerly
            return self._weighted_sum(self._dice.reduced(pixels), self._ce.reduced(pixels))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the values before any reduction, without sample weights.

        Args:
            y_true: Labels, `(B, *)` or `(B, *, 1)`.
            y_pred: Logits, `(B, *, C)`.

        Returns:
            Float32, `(B, *)`.
        """
        return self._weighted_sum(self._dice.call(y_true, y_pred), self._ce.call(y_true, y_pred))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **self._ce.get_config(),
            **self._dice.get_config(),
            "name": self.name,
            "dice_weight": self.dice_weight,
            "ce_weight": self.ce_weight,
        }

    def _weighted_sum(self, dice: Tensor, ce: Tensor) -> Tensor:
        if len(ce.shape):  # unreduced: a value for each image and one for each pixel
            dice = ops.reshape(dice, (-1,) + (1,) * (len(ce.shape) - 1))
        return self.dice_weight * dice + self.ce_weight * ce
