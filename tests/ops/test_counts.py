import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from keras import ops

from keras_lvseg.ops.counts import packed_count, packed_mask


def count(words) -> np.ndarray:
    return ops.convert_to_numpy(packed_count(words)).astype(np.int64).sum(axis=1)


@settings(max_examples=30)
@given(arrays("bool", array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=40)))
def test_the_count_is_numpys(mask):
    packed = packed_mask(ops.convert_to_tensor(mask))
    pixels = mask.reshape(len(mask), -1)
    assert count(packed).tolist() == pixels.sum(axis=1).tolist()
    assert count(packed + packed).tolist() == (2 * pixels.sum(axis=1)).tolist()


@settings(max_examples=10)
@given(st.integers(0, 300))
def test_full_masks_carry_nothing_from_byte_to_byte(missing):
    mask = np.ones((2, 2048), dtype=bool)
    mask[1, : 7 * missing] = False
    packed = packed_mask(ops.convert_to_tensor(mask))
    assert count(packed + packed).tolist() == (2 * mask.sum(axis=1)).tolist()


def test_counts_that_float32_does_not_hold():
    mask = np.ones((1, 2**24 + 3), dtype=bool)
    parts = ops.convert_to_numpy(packed_count(packed_mask(ops.convert_to_tensor(mask))))
    assert parts.dtype == np.float32
    assert parts.tolist() == [[2**24, 3]]


def test_no_images():
    assert count(packed_mask(ops.zeros((0, 8, 8), dtype="bool"))).tolist() == []


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow has sizes that are not known in advance"
)
def test_sizes_that_are_not_known_in_advance():
    import tensorflow as tf

    counted = tf.function(
        lambda mask: packed_count(packed_mask(mask)), input_signature=[tf.TensorSpec((None, None, None), "bool")]
    )
    mask = np.random.default_rng(0).random((3, 17, 31)) < 0.5
    assert counted(mask).numpy().sum(axis=1).tolist() == mask.sum(axis=(1, 2)).tolist()
