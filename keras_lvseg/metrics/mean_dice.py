"""The mean Dice coefficient over classes as a Keras metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
from keras import ops

from keras_lvseg.errors import invalid_argument
from keras_lvseg.metrics.dice_coefficient import DiceCoefficient
from keras_lvseg.ops.arguments import check_integer, check_merged_classes, check_merged_range
from keras_lvseg.ops.shapes import Tensor

_LEFT_OUT = -1


@keras.saving.register_keras_serializable(package="keras_lvseg")
class MeanDice(keras.metrics.Metric):
    """The mean over classes of their Dice coefficients, with integer labels.

    A class is left out of the mean while its coefficient is NaN, see `empty_score`. The result is NaN if all are.

    Args:
        num_classes: Number of classes C, 2 or more.
        include_background: Whether the mean includes class 0.
        average: As in `DiceCoefficient`, for each class.
        empty_score: As in `DiceCoefficient`, for each class.
        ignore_class: Label of pixels to ignore, such as 255, or None.
        merged_classes: Partial labels, as in the losses. `{3: (0, 2)}` says that label 3 stands for class 0 or class
            2. The coefficients of these two classes leave such pixels out. They count as not of the other classes.
        name: Name of the metric.
        dtype: As in every Keras metric. Sums and result are float32 under every dtype.

    Call arguments:
        y_true: Labels of any dtype with whole values, `(B, *)` or `(B, *, 1)`, with `*` for any spatial axes.
        y_pred: Logits or probabilities `(B, *, C)`, or an integer label map `(B, *)` or `(B, *, 1)`.
        sample_weight: As in `DiceCoefficient`.

    Raises:
        ValueError: An argument is invalid, or, on update, the shapes do not fit.

    Example:
        Cavity 1 and myocardium 2. The last pixel is labelled "background or myocardium":

        >>> metric = MeanDice(3, merged_classes={3: (0, 2)})
        >>> metric.update_state([[0, 1, 1, 2, 3]], [[0, 1, 2, 2, 2]])
        >>> round(float(metric.result()), 4)  # 2/3 for the cavity, 2/3 for the myocardium
        0.6667
    """

    _direction = "up"  # as in Keras' own metrics, for callbacks with mode="auto"

    def __init__(
        self,
        num_classes: int,
        *,
        include_background: bool = False,
        average: Literal["image", "dataset"] = "image",
        empty_score: float | None = 1.0,
        ignore_class: int | None = None,
        merged_classes: Mapping[int, Sequence[int]] | None = None,
        name: str = "mean_dice",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        check_integer("num_classes", num_classes, minimum=2)
        if ignore_class is not None:
            check_integer("ignore_class", ignore_class)
        super().__init__(name=name, dtype=dtype)
        self.num_classes = int(num_classes)
        self.include_background = include_background
        self.average = average
        self.empty_score = empty_score
        self.ignore_class = ignore_class
        self.merged_classes = check_merged_classes(merged_classes)
        check_merged_range(self.merged_classes, num_classes)
        self._of_classes = [
            DiceCoefficient(class_id, average=average, empty_score=empty_score, ignore_class=_LEFT_OUT)
            for class_id in range(0 if include_background else 1, num_classes)
        ]

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            y_true: Labels.
            y_pred: Prediction.
            sample_weight: Weights of images or of pixels. None means 1.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        if keras.backend.is_float_dtype(y_pred.dtype) and y_pred.shape[-1] != self.num_classes:
            expected = f"the last axis of the prediction, of shape {tuple(y_pred.shape)}"
            raise invalid_argument("num_classes", self.num_classes, expected)
        labels = ops.cast(y_true, "int32")
        for metric in self._of_classes:
            unknown = [] if self.ignore_class is None else [self.ignore_class]
            unknown += [label for label, members in (self.merged_classes or {}).items() if metric.class_id in members]
            known = labels
            for label in unknown:
                known = ops.where(ops.equal(labels, label), _LEFT_OUT, known)
            metric.update_state(known, y_pred, sample_weight)

    def result(self) -> Tensor:
        """Return the mean over classes, of all images since the last reset.

        Returns:
            A float32 scalar.
        """
        scores = ops.stack([metric.result() for metric in self._of_classes])
        is_known = ops.logical_not(ops.isnan(scores))
        count = ops.sum(ops.cast(is_known, "float32"))
        mean = ops.sum(ops.where(is_known, scores, 0.0)) / ops.maximum(count, 1.0)
        return ops.cast(ops.where(count > 0, mean, float("nan")), "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "include_background": self.include_background,
            "average": self.average,
            "empty_score": self.empty_score,
            "ignore_class": self.ignore_class,
            "merged_classes": self.merged_classes,
        }
