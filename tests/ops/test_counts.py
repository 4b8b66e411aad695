import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from keras import ops

from keras_lvseg.ops.counts import count_packed, pack_mask


def count(words) -> np.ndarray:
    return ops.convert_to_numpy(count_packed(words)).astype(np.int64).sum(axis=1)


@given(arrays("bool", array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=40)))
def test_count_packed_random_mask_equals_numpy(mask):
    packed = pack_mask(ops.convert_to_tensor(mask))
    pixels = mask.reshape(len(mask), -1)
    assert count(packed).tolist() == pixels.sum(axis=1).tolist()
    assert count(packed + packed).tolist() == (2 * pixels.sum(axis=1)).tolist()


@given(st.integers(0, 300))
def test_count_packed_full_masks_has_no_carry_between_bytes(missing):
    mask = np.ones((2, 2048), dtype=bool)
    mask[1, : 7 * missing] = False
    packed = pack_mask(ops.convert_to_tensor(mask))
    assert count(packed + packed).tolist() == (2 * mask.sum(axis=1)).tolist()


def test_count_packed_above_float32_range_is_exact_in_two_parts():
    mask = np.ones((1, 2**24 + 3), dtype=bool)
    parts = ops.convert_to_numpy(count_packed(pack_mask(ops.convert_to_tensor(mask))))
    assert parts.dtype == np.float32
    assert parts.tolist() == [[2**24, 3]]


def test_count_packed_no_images_is_empty():
    assert count(pack_mask(ops.zeros((0, 8, 8), dtype="bool"))).tolist() == []


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="only TensorFlow has sizes that are not known in advance"
)
def test_count_packed_unknown_sizes_equals_numpy():
    import tensorflow as tf

    counted = tf.function(
        lambda mask: count_packed(pack_mask(mask)), input_signature=[tf.TensorSpec((None, None, None), "bool")]
    )
    mask = np.random.default_rng(0).random((3, 17, 31)) < 0.5
    assert counted(mask).numpy().sum(axis=1).tolist() == mask.sum(axis=(1, 2)).tolist()
