"""The Dice coefficient as a keras metric."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_choice, check_fraction, check_integer
from keras_lvseg.ops.overlap import is_class, pixel_overlap, wins
from keras_lvseg.ops.shapes import (
    channel_pixels,
    flat_images,
    label_map_pixels,
    one_hot_pixels,
    split_weights,
)
from keras_lvseg.ops.sums import add_to_sums, exact_sum, sums_value

Tensor = Any


@keras.saving.register_keras_serializable(package="keras_lvseg")
class DiceCoefficient(keras.metrics.Metric):
    """The Dice coefficient of one class: `2 * |P and T| / (|P| + |T|)`.

    P are the pixels predicted to be of class `class_id`, T those labelled so. The result is a float32, the
    same for every batch size, order of the images and number of replicas; NaN where no image was seen at all.
    The metric has no gradient.

    Shapes, with `*` for any spatial axes:

    - labels: `(B, *)` or `(B, *, 1)`, of any dtype with whole values; with `sparse_y_true=False` one-hot,
      `(B, *, C)`;
    - prediction: scores `(B, *, C)` with C of two or more, logits and probabilities alike: the first of the
      highest scores wins, as in argmax. Or an integer or boolean label map, `(B, *)` or `(B, *, 1)`. Or one
      channel of float scores, `(B, *)` or `(B, *, 1)`, which needs `threshold`: a pixel is of class 1 where
      its score is above it, and of class 0 elsewhere. A score that is not a number makes a pixel be of no
      class;
    - `sample_weight`: `(B,)` weights images; `(B, *)` or `(B, *, 1)` weights pixels within the counts. Keras
      hands weights to what `compile` knows as `weighted_metrics`, not to `metrics`.

    Any other combination raises a ValueError; nothing is broadcast. Images whose weight is zero, or all of
    whose pixels are ignored or of weight zero, are left out.

    State is a fixed set of float32 sums under every dtype policy, which count pixels exactly to 2**40. Two
    metrics are merged by adding their variables.

    Args:
        class_id: The class to score.
        average: `"image"` for the mean over images of each image's coefficient, `"dataset"` for the one
            coefficient of the counts of all images together.
        empty_score: What an image scores where label and prediction are both empty; None leaves such images
            out. With `average="dataset"` it is the result where nothing is labelled or predicted anywhere,
            NaN for None. A prediction on an empty label scores 0, always.
        threshold: What one channel of scores has to exceed: 0.0 for logits, 0.5 for probabilities.
        ignore_class: Label of pixels to leave out, such as 255; not necessarily a class.
        sparse_y_true: Whether labels are integers, and not one-hot.
        name: Defaults to `"dice_coefficient"` for class 1 and to `"dice_coefficient_<class_id>"` for others.
        dtype: As in every keras metric; sums and result are float32 whatever it is.

    Raises:
        ValueError: An argument breaks its rule, or, on update, shapes do not fit.

    Example:
        >>> metric = DiceCoefficient()
        >>> metric.update_state([[[0, 1], [0, 1]]], [[[0, 1], [0, 0]]])
        >>> round(float(metric.result()), 4)
        0.6667

        Logits of two classes, with a pixel that nobody labelled:

        >>> metric = DiceCoefficient(ignore_class=255)
        >>> metric.update_state([[1, 0, 255]], [[[-3.0, 2.0], [1.0, 0.0], [-5.0, 5.0]]])
        >>> float(metric.result())
        1.0

    References:
        - Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945).
    """

    _direction = "up"  # keras' metrics say so to callbacks in mode "auto"

    def __init__(
        self,
        class_id=1,
        average="image",
        empty_score=1.0,
        threshold=None,
        ignore_class=None,
        sparse_y_true=True,
        name=None,
        dtype=None,
    ):
        check_integer("class_id", class_id, minimum=0)
        check_choice("average", average, ("image", "dataset"))
        if empty_score is not None:
            check_fraction("empty_score", empty_score)
        if threshold is not None and class_id > 1:
            raise ValueError(
                "`threshold` tells class 1 from class 0 in one channel of scores; `class_id` must be 0 or 1. "
                f"Received: class_id={class_id}, threshold={threshold}"
            )
        if ignore_class is not None:
            check_integer("ignore_class", ignore_class)
        if ignore_class == class_id:
            raise ValueError(f"`ignore_class` must differ from `class_id`. Received: class_id=ignore_class={class_id}")
        if name is None:
            name = "dice_coefficient" if class_id == 1 else f"dice_coefficient_{class_id}"
        super().__init__(name=name, dtype=dtype)
        self.class_id = int(class_id)
        self.average = average
        self.empty_score = empty_score
        self.threshold = threshold
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.sparse_y_true = sparse_y_true
        # Numerator, denominator and what the images weigh, each in the three parts of `add_to_sums`.
        self.sums = self.add_variable(shape=(3, 3), initializer="zeros", dtype="float32", name="sums")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count a batch.

        Args:
            y_true: Labels.
            y_pred: Prediction.
            sample_weight: Weights of images or of pixels; None for 1.
        """
        truth, predicted, kept = self._masks(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        image_weights, pixel_weights = split_weights(sample_weight, truth)
        if kept is not None and pixel_weights is not None:
            pixel_weights = ops.where(kept, pixel_weights, 0.0)
        elif kept is not None:
            truth, predicted = ops.logical_and(truth, kept), ops.logical_and(predicted, kept)
        overlap, sizes = pixel_overlap(predicted, truth, pixel_weights)
        images = ops.ones_like(sizes[:, 0]) if image_weights is None else image_weights
        counted = kept if pixel_weights is None else pixel_weights > 0
        if counted is not None:
            images = images * ops.cast(ops.any(flat_images(counted), axis=1), "float32")
        if self.average == "image":
            numerator, denominator = self._image_terms(ops.sum(overlap, axis=1), ops.sum(sizes, axis=1), images)
        else:
            weights = ops.expand_dims(images, 1)
            numerator, denominator = ops.ravel(2.0 * overlap * weights), ops.ravel(sizes * weights)
        terms = ops.stack([exact_sum(numerator), exact_sum(denominator), exact_sum(images)])
        self.sums.assign(add_to_sums(self.sums, terms))

    def result(self):
        """Give the coefficient of what was seen since the last reset.

        Returns:
            A float32 scalar.
        """
        numerator, denominator, images = ops.unstack(sums_value(self.sums))
        empty_score = float("nan") if self.empty_score is None else self.empty_score
        nothing = ops.where(images > 0, empty_score, float("nan"))
        is_empty = ops.equal(denominator, 0.0)
        score = ops.where(is_empty, nothing, numerator / ops.where(is_empty, 1.0, denominator))
        return ops.cast(score, "float32")  # float64 where that is keras' floatx

    def save_own_variables(self, store):
        """Put the state into `store`, as layers and optimizers do.

        Args:
            store: A mapping from names to arrays.
        """
        store["sums"] = self.sums.numpy()

    def load_own_variables(self, store):
        """Take the state from `store`.

        Args:
            store: What `save_own_variables` filled.
        """
        self.sums.assign(store["sums"])

    def get_config(self):
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
        """Return where the class is labelled, where it is predicted, and what is kept (None for all)."""
        has_scores = keras.backend.is_float_dtype(prediction.dtype)
        if self.threshold is not None and not has_scores:
            raise ValueError(
                "`threshold` is for one channel of float scores. "
                f"Received: threshold={self.threshold}, y_pred of dtype {prediction.dtype}"
            )
        is_map = self.threshold is not None or not has_scores
        if not self.sparse_y_true:
            prediction = one_hot_pixels(labels, prediction, is_map)
            self._check_classes(labels.shape[-1])
        elif is_map:
            hint = "" if self.threshold is None else "`threshold` is for one channel of scores. "
            labels, prediction = label_map_pixels(labels, prediction, hint)
        else:
            labels = channel_pixels(labels, prediction, "One channel of scores needs `threshold`. ")
            self._check_classes(prediction.shape[-1])

        label_is = is_class if self.sparse_y_true else wins
        truth = label_is(labels, self.class_id)
        kept = None if self.ignore_class is None else ops.logical_not(label_is(labels, self.ignore_class))
        if not is_map:
            predicted = wins(prediction, self.class_id)
        elif self.threshold is None:
            predicted = is_class(prediction, self.class_id)
        else:
            predicted = prediction > self.threshold if self.class_id == 1 else prediction <= self.threshold
        return truth, predicted, kept

    def _check_classes(self, classes: int) -> None:
        if self.class_id >= classes:
            raise ValueError(
                f"`class_id` must be in [0, {classes}), the classes that there are. Received: class_id={self.class_id}"
            )
        if not self.sparse_y_true and self.ignore_class is not None and not 0 <= self.ignore_class < classes:
            raise ValueError(
                f"With one-hot labels `ignore_class` must be in [0, {classes}). "
                f"Received: ignore_class={self.ignore_class}"
            )

    def _image_terms(self, overlap: Tensor, sizes: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return each image's coefficient times its weight, and its weight."""
        is_empty = ops.equal(sizes, 0.0)
        dice = 2.0 * overlap / ops.where(is_empty, 1.0, sizes)
        if self.empty_score is None:
            images = ops.where(is_empty, 0.0, images)
        else:
            dice = ops.where(is_empty, self.empty_score, dice)
        return dice * images, images
