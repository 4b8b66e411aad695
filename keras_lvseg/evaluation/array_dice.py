"""The Dice coefficient of arrays, without Keras."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument


def dice(prediction: ArrayLike, label: ArrayLike, *, class_id: int = 1, empty_score: float | None = 1.0) -> float:
    """Return the Dice coefficient of one class in two label maps.

    It is `2 * |P and T| / (|P| + |T|)`, for the pixels P predicted and T labelled as `class_id`. All pixels count as
    one image, as with `DiceCoefficient(average="dataset")`.

    Args:
        prediction: Class numbers or booleans, of any shape.
        label: Class numbers or booleans, of the same shape.
        class_id: The class to score, 0 or more. Of booleans, 1 is True.
        empty_score: The result if the class is neither predicted nor labelled; None for NaN.

    Returns:
        The coefficient, from 0 to 1.

    Raises:
        ValueError: The shapes differ, an array is neither integer nor boolean, or an argument breaks its rule.

    Example:
        >>> dice([[0, 1], [0, 1]], [[0, 1], [0, 0]])
        0.6666666666666666
        >>> dice([0, 0], [0, 0]), dice([0, 0], [0, 0], empty_score=None), dice([1, 0], [0, 0])
        (1.0, nan, 0.0)
    """
    return dice_from_counts(*count_overlap(prediction, label, class_id=class_id), empty_score=empty_score)


def count_overlap(prediction: ArrayLike, label: ArrayLike, *, class_id: int = 1) -> tuple[int, int, int]:
    """Return the number of pixels of one class in the prediction, in the label and in both; see `dice`."""
    predicted, labelled = _label_map("prediction", prediction), _label_map("label", label)
    if predicted.shape != labelled.shape:
        raise invalid_argument("label.shape", labelled.shape, f"{predicted.shape}, the shape of `prediction`")
    if isinstance(class_id, bool) or not isinstance(class_id, Integral) or class_id < 0:
        raise invalid_argument("class_id", class_id, "an integer, 0 or more")
    predicted, labelled = predicted == class_id, labelled == class_id
    both = predicted & labelled
    return int(np.count_nonzero(predicted)), int(np.count_nonzero(labelled)), int(np.count_nonzero(both))


def dice_from_counts(predicted: float, labelled: float, common: float, *, empty_score: float | None = 1.0) -> float:
    """Return the Dice coefficient of pixel counts or areas; see `dice`."""
    if empty_score is None:
        empty_score = math.nan
    elif not 0 <= empty_score <= 1:
        raise invalid_argument("empty_score", empty_score, "a number from 0 to 1, or None")
    return 2 * common / (predicted + labelled) if predicted + labelled else float(empty_score)


def _label_map(name: str, array: ArrayLike) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype.kind not in "biu":
        raise invalid_argument(f"{name}.dtype", str(array.dtype), "integers or booleans (class numbers, not scores)")
    return array
