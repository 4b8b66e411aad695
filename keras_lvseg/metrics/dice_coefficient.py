"""The Dice coefficient as a Keras metric."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_lvseg.errors import invalid_argument
from keras_lvseg.ops.arguments import check_choice, check_fraction, check_integer
from keras_lvseg.ops.overlap import argmax_mask, label_mask, pixel_overlap
from keras_lvseg.ops.shapes import (
    Tensor,
    fit_label_maps,
    fit_labels_to_scores,
    fit_prediction_to_one_hot,
    flatten_images,
    split_sample_weight,
)
from keras_lvseg.ops.sums import add_to_running_sums, exact_sum, round_sums


@keras.saving.register_keras_serializable(package="keras_lvseg")
class DiceCoefficient(keras.metrics.Metric):
    """The Dice coefficient of one class: `2 * |P and T| / (|P| + |T|)`.

    P is the set of pixels predicted as class `class_id`, T the set of pixels labelled so. The result is a float32. It
    does not depend on batch size, order of the images or number of replicas. It is NaN before the first image. The
    metric has no gradient.

    Shapes, with `*` for any spatial axes:

    - Labels: `(B, *)` or `(B, *, 1)`, of any dtype with whole values. With `sparse_y_true=False` one-hot, `(B, *, C)`.
    - Prediction, as scores: `(B, *, C)` with C of at least 2, logits or probabilities. Of equal scores the first
      counts, as in argmax.
    - Prediction, as an integer or boolean label map: `(B, *)` or `(B, *, 1)`.
    - Prediction, as one channel of float scores: `(B, *)` or `(B, *, 1)`, with `threshold`. A pixel is of class 1 if
      its score is above the threshold, else of class 0.
    - `sample_weight`: `(B,)` weights images, `(B, *)` or `(B, *, 1)` weights pixels within the counts. Keras passes
      weights to the `weighted_metrics` of `compile`, not to its `metrics`.

    A pixel with a NaN score is of no class. Any other combination of shapes raises a ValueError; nothing is broadcast.
    Images are left out if their weight is zero, or if all their pixels are ignored or have weight zero.

    The state is a fixed set of float32 sums under every dtype policy. They count pixels exactly to 2**40. Two metrics
    are merged by adding their variables.

    Args:
        class_id: The class to score.
        average: `"image"` for the mean over images of the coefficient of each image. `"dataset"` for one coefficient of
            the counts of all images together.
        empty_score: Score of an image whose label and prediction are both empty. None leaves such images out. With
            `average="dataset"` it is the result if no pixel is labelled or predicted in any image, NaN for None. A
            prediction on an empty label always scores 0.
        threshold: Threshold of one channel of scores: 0.0 for logits, 0.5 for probabilities.
        ignore_class: Label of pixels to ignore, such as 255, or None. It may lie outside `[0, C)`.
        sparse_y_true: Whether labels are integers. False means one-hot.
        name: Name of the metric. None means `"dice_coefficient"` for class 1, `"dice_coefficient_<class_id>"` for
            others.
        dtype: As in every Keras metric. Sums and result are float32 under every dtype.

    Raises:
        ValueError: An argument is invalid, or, on update, the shapes do not fit.

    Example:
        >>> metric = DiceCoefficient()
        >>> metric.update_state([[[0, 1], [0, 1]]], [[[0, 1], [0, 0]]])
        >>> round(float(metric.result()), 4)
        0.6667

        Logits of two classes, with an unlabelled pixel:

        >>> metric = DiceCoefficient(ignore_class=255)
        >>> metric.update_state([[1, 0, 255]], [[[-3.0, 2.0], [1.0, 0.0], [-5.0, 5.0]]])
        >>> float(metric.result())
        1.0

    References:
        - Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945).
    """

    _direction = "up"  # as in Keras' own metrics, for callbacks with mode="auto"

    def __init__(
        self,
        class_id: int = 1,
        *,
        average: Literal["image", "dataset"] = "image",
        empty_score: float | None = 1.0,
        threshold: float | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ):
        check_integer("class_id", class_id, minimum=0)
        check_choice("average", average, ("image", "dataset"))
        if empty_score is not None:
            check_fraction("empty_score", empty_score)
        if threshold is not None and class_id > 1:
            raise invalid_argument("class_id", class_id, f"0 or 1, the classes of one channel with {threshold=}")
        if ignore_class is not None:
            check_integer("ignore_class", ignore_class)
        if ignore_class == class_id:
            raise invalid_argument("ignore_class", ignore_class, f"another class than {class_id=}")
        if name is None:
            name = "dice_coefficient" if class_id == 1 else f"dice_coefficient_{class_id}"
        super().__init__(name=name, dtype=dtype)
        self.class_id = int(class_id)
        self.average = average
        self.empty_score = empty_score
        self.threshold = threshold
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.sparse_y_true = sparse_y_true
        # Numerator, denominator and total weight of the images, each in the three parts of `add_to_running_sums`.
        self.sums = self.add_variable(shape=(3, 3), initializer="zeros", dtype="float32", name="sums")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            y_true: Labels.
            y_pred: Prediction.
            sample_weight: Weights of images or of pixels. None means 1.
        """
        truth, predicted, valid = self._masks(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        image_weights, pixel_weights = split_sample_weight(sample_weight, truth)
        if valid is not None and pixel_weights is not None:
            pixel_weights = ops.where(valid, pixel_weights, 0.0)
        elif valid is not None:
            truth, predicted = ops.logical_and(truth, valid), ops.logical_and(predicted, valid)
        overlap, sizes = pixel_overlap(predicted, truth, pixel_weights)
        images = ops.ones_like(sizes[:, 0]) if image_weights is None else image_weights
        has_weight = valid if pixel_weights is None else pixel_weights > 0
        if has_weight is not None:
            images = images * ops.cast(ops.any(flatten_images(has_weight), axis=1), "float32")
        if self.average == "image":
            numerator, denominator = self._image_terms(ops.sum(overlap, axis=1), ops.sum(sizes, axis=1), images)
        else:
            weights = ops.expand_dims(images, 1)
            numerator, denominator = ops.ravel(2.0 * overlap * weights), ops.ravel(sizes * weights)
        terms = ops.stack([exact_sum(numerator), exact_sum(denominator), exact_sum(images)])
        self.sums.assign(add_to_running_sums(self.sums, terms))

    def result(self) -> Tensor:
        """Return the coefficient of all images since the last reset.

        Returns:
            A float32 scalar.
        """
        numerator, denominator, images = ops.unstack(round_sums(self.sums))
        empty_score = float("nan") if self.empty_score is None else self.empty_score
        of_empty = ops.where(images > 0, empty_score, float("nan"))
        is_empty = ops.equal(denominator, 0.0)
        score = ops.where(is_empty, of_empty, numerator / ops.where(is_empty, 1.0, denominator))
        return ops.cast(score, "float32")  # with floatx="float64" it is a float64 here

    def save_own_variables(self, store: MutableMapping[str, np.ndarray]) -> None:
        """Write the state to `store`, as layers and optimizers do.

        Args:
            store: A mapping from names to arrays.
        """
        store["sums"] = self.sums.numpy()

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Read the state from `store`.

        Args:
            store: The mapping that `save_own_variables` wrote to.
        """
        self.sums.assign(store["sums"])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "average": self.average,
            "empty_score": self.empty_score,
            "threshold": self.threshold,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
        }

    def _masks(self, labels: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return the labelled mask, the predicted mask and the mask of pixels that are not ignored, or None for all."""
        has_scores = keras.backend.is_float_dtype(prediction.dtype)
        if self.threshold is not None and not has_scores:
            expected = f"None with a prediction of dtype {keras.backend.standardize_dtype(prediction.dtype)}"
            raise invalid_argument("threshold", self.threshold, expected)
        is_map = self.threshold is not None or not has_scores
        if not self.sparse_y_true:
            prediction = fit_prediction_to_one_hot(labels, prediction, is_map)
            self._check_classes(labels.shape[-1])
        elif is_map:
            hint = "" if self.threshold is None else "`threshold` is for one channel of scores. "
            labels, prediction = fit_label_maps(labels, prediction, hint)
        else:
            labels = fit_labels_to_scores(labels, prediction, "One channel of scores needs `threshold`. ")
            self._check_classes(prediction.shape[-1])

        class_mask = label_mask if self.sparse_y_true else argmax_mask
        truth = class_mask(labels, self.class_id)
        valid = None if self.ignore_class is None else ops.logical_not(class_mask(labels, self.ignore_class))
        if not is_map:
            predicted = argmax_mask(prediction, self.class_id)
        elif self.threshold is None:
            predicted = label_mask(prediction, self.class_id)
        else:
            predicted = prediction > self.threshold if self.class_id == 1 else prediction <= self.threshold
        return truth, predicted, valid

    def _check_classes(self, classes: int) -> None:
        if self.class_id >= classes:
            raise invalid_argument("class_id", self.class_id, f"a class in [0, {classes})")
        if not self.sparse_y_true and self.ignore_class is not None and not 0 <= self.ignore_class < classes:
            raise invalid_argument("ignore_class", self.ignore_class, f"a class in [0, {classes}) with one-hot labels")

    def _image_terms(self, overlap: Tensor, sizes: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighted coefficient and the weight of each image."""
        is_empty = ops.equal(sizes, 0.0)
        dice = 2.0 * overlap / ops.where(is_empty, 1.0, sizes)
        if self.empty_score is None:
            images = ops.where(is_empty, 0.0, images)
        else:
            dice = ops.where(is_empty, self.empty_score, dice)
        return dice * images, images
