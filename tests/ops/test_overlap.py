import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.ops.overlap import argmax_mask, label_mask, pixel_overlap


@given(arrays("float32", (2, 9, 4), elements=st.sampled_from([-np.inf, -1.0, 0.0, 1.0, np.inf])))
def test_argmax_mask_equal_and_infinite_scores_equals_argmax(scores):
    winners = np.stack([ops.convert_to_numpy(argmax_mask(ops.convert_to_tensor(scores), c)) for c in range(4)], -1)
    assert (winners.sum(-1) == 1).all()
    assert (winners.argmax(-1) == scores.argmax(-1)).all()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32"])
def test_label_mask_any_dtype_finds_the_class(dtype):
    labels = ops.convert_to_tensor(np.array([[0, 1, 1]]).astype(dtype))
    assert ops.convert_to_numpy(label_mask(labels, 1)).tolist() == [[False, True, True]]
    assert not ops.convert_to_numpy(label_mask(labels, 300)).any()
    assert not ops.convert_to_numpy(label_mask(labels, -1)).any()


def test_label_mask_label_above_255_is_not_truncated():
    assert not ops.convert_to_numpy(label_mask(ops.convert_to_tensor(np.array([[257, -255]])), 1)).any()


def test_pixel_overlap_with_and_without_weights_counts_pixels():
    masks = [[True, True, False], [False] * 3], [[True, False, True], [False] * 3]
    predicted, truth = (ops.convert_to_tensor(mask) for mask in masks)
    shared, both = pixel_overlap(predicted, truth)
    assert ops.convert_to_numpy(shared).sum(1).tolist() == [1, 0]
    assert ops.convert_to_numpy(both).sum(1).tolist() == [4, 0]
    weights = ops.convert_to_tensor([[2.0, 3.0, 5.0], [1.0, 1.0, 1.0]])
    shared, both = pixel_overlap(predicted, truth, weights)
    assert ops.convert_to_numpy(shared).sum(1).tolist() == [2, 0]
    assert ops.convert_to_numpy(both).sum(1).tolist() == [12, 0]
