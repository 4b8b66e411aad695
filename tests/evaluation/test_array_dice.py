import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg import DiceCoefficient
from keras_lvseg.evaluation import dice
from keras_lvseg.testing import label_maps, mask_pairs

SIZE = (6, 7)
empty_scores = st.sampled_from([0.0, 0.25, 1.0, None])


@given(mask_pairs(SIZE))
def test_dice_of_masks_is_the_exact_fraction(pair):
    predicted, labelled = ({(i, j) for i, j in np.argwhere(mask).tolist()} for mask in pair)
    pixels = len(predicted) + len(labelled)
    expected = Fraction(2 * len(predicted & labelled), pixels) if pixels else 1
    assert dice(*pair) == float(expected)


@given(label_maps(4, SIZE), label_maps(4, SIZE), st.integers(0, 4), empty_scores)
def test_dice_of_label_maps_equals_the_keras_metric(prediction, label, class_id, empty_score):
    metric = DiceCoefficient(class_id=class_id, average="dataset", empty_score=empty_score)
    metric.update_state(label[None], prediction[None])
    expected = np.float32(metric.result())
    got = dice(prediction, label, class_id=class_id, empty_score=empty_score)
    np.testing.assert_array_max_ulp(np.float32(got), expected, maxulp=1)


@given(label_maps(3, SIZE), label_maps(3, SIZE), st.sampled_from([bool, np.uint8, np.int64]))
def test_dice_depends_on_neither_shape_nor_dtype_nor_order(prediction, label, dtype):
    prediction, label = prediction.astype(dtype), label.astype(dtype)
    expected = dice(prediction, label)
    assert dice(label, prediction) == expected
    assert dice(prediction.ravel().tolist(), label.ravel().tolist()) == expected
    assert dice(prediction[None, ..., None], label[None, ..., None]) == expected


@pytest.mark.parametrize("empty_score", [0.0, 0.5, None])
def test_dice_of_a_false_positive_on_an_empty_label_is_zero(empty_score):
    assert dice([1, 0], [0, 0], empty_score=empty_score) == 0
    assert dice([0, 0], [1, 0], empty_score=empty_score) == 0


def test_dice_without_pixels_is_the_empty_score():
    nothing = np.zeros((0, 4), bool)
    assert dice(nothing, nothing) == 1
    assert dice(nothing, nothing, empty_score=0.25) == 0.25
    assert math.isnan(dice(nothing, nothing, empty_score=None))


@pytest.mark.parametrize(
    ("prediction", "label", "arguments", "message"),
    [
        ([1, 0], [[1, 0]], {}, r"`label\.shape`\. Expected \(2,\), .* Received: label\.shape=\(1, 2\)"),
        ([1], [1, 0], {}, r"`label\.shape`"),
        ([0.2, 0.9], [0, 1], {}, r"`prediction\.dtype`\. Expected integers .* Received: .*float64"),
        ([0, 1], [0.0, 1.0], {}, r"`label\.dtype`"),
        (["0"], ["0"], {}, r"`prediction\.dtype`"),
        ([0, 1], [0, 1], {"class_id": -1}, "`class_id`.*class_id=-1"),
        ([0, 1], [0, 1], {"class_id": 1.0}, "`class_id`"),
        ([0, 1], [0, 1], {"class_id": True}, "`class_id`"),
        ([0, 1], [0, 1], {"empty_score": 1.5}, "`empty_score`.*empty_score=1.5"),
        ([0, 1], [0, 1], {"empty_score": math.nan}, "`empty_score`"),
    ],
)
def test_dice_with_an_invalid_argument_raises(prediction, label, arguments, message):
    with pytest.raises(ValueError, match=message):
        dice(prediction, label, **arguments)
