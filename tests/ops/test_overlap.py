import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.ops.overlap import argmax_mask, label_mask, pixel_overlap


@settings(max_examples=30, deadline=None)
@given(arrays("float32", (2, 9, 4), elements=st.sampled_from([-np.inf, -1.0, 0.0, 1.0, np.inf])))
def test_the_winner_is_the_argmax(scores):
    winners = np.stack([ops.convert_to_numpy(argmax_mask(ops.convert_to_tensor(scores), c)) for c in range(4)], -1)
    assert (winners.sum(-1) == 1).all()
    assert (winners.argmax(-1) == scores.argmax(-1)).all()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32"])
def test_classes_of_any_dtype(dtype):
    labels = ops.convert_to_tensor(np.array([[0, 1, 1]]).astype(dtype))
    assert ops.convert_to_numpy(label_mask(labels, 1)).tolist() == [[False, True, True]]
    assert not ops.convert_to_numpy(label_mask(labels, 300)).any()
    assert not ops.convert_to_numpy(label_mask(labels, -1)).any()


def test_no_label_is_cut_to_a_byte():
    assert not ops.convert_to_numpy(label_mask(ops.convert_to_tensor(np.array([[257, -255]])), 1)).any()


def test_overlap_of_two_masks():
    masks = [[True, True, False], [False] * 3], [[True, False, True], [False] * 3]
    predicted, truth = (ops.convert_to_tensor(mask) for mask in masks)
    shared, both = pixel_overlap(predicted, truth)
    assert ops.convert_to_numpy(shared).sum(1).tolist() == [1, 0]
    assert ops.convert_to_numpy(both).sum(1).tolist() == [4, 0]
    weights = ops.convert_to_tensor([[2.0, 3.0, 5.0], [1.0, 1.0, 1.0]])
    shared, both = pixel_overlap(predicted, truth, weights)
    assert ops.convert_to_numpy(shared).sum(1).tolist() == [2, 0]
    assert ops.convert_to_numpy(both).sum(1).tolist() == [12, 0]
