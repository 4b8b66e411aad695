import keras
import numpy as np
import pytest
from keras import ops

from keras_lvseg.layers import Bilinear


def test_bilinear_kernel_of_four_is_the_tent():
    weights = ops.convert_to_numpy(Bilinear()((4, 4, 1, 1)))[..., 0, 0]
    np.testing.assert_allclose(weights, np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25]))


@pytest.mark.parametrize(("size", "factor"), [(1, 1), (3, 2), (4, 2), (5, 3), (7, 4), (8, 4), (31, 16), (32, 16)])
def test_bilinear_without_factor_infers_it_from_the_kernel(size, factor):
    given, inferred = (ops.convert_to_numpy(Bilinear(f)((size, size, 2, 2))) for f in (factor, None))
    assert (given == inferred).all()


def test_bilinear_two_channels_does_not_mix_them():
    weights = ops.convert_to_numpy(Bilinear()((3, 3, 2, 2)))
    assert (weights[..., 0, 1] == 0).all()
    assert (weights[..., 1, 0] == 0).all()
    assert (weights[..., 0, 0] == weights[..., 1, 1]).all()


@pytest.mark.parametrize("name", ["bilinear", "keras_lvseg>Bilinear"])
def test_bilinear_name_is_found_by_keras_layers(name):
    layer = keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same", kernel_initializer=name)
    result = ops.convert_to_numpy(layer(np.ones((1, 4, 4, 1), "float32")))[0, 1:-1, 1:-1, 0]
    np.testing.assert_allclose(result, 1, atol=1e-6)


@pytest.mark.parametrize("initializer", [Bilinear(), Bilinear(3)])
def test_bilinear_serialized_revives_with_its_factor(initializer):
    revived = keras.initializers.deserialize(keras.initializers.serialize(initializer))
    assert type(revived) is Bilinear
    assert revived.factor == initializer.factor


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_bilinear_dtype_is_that_of_the_weights(dtype):
    assert keras.backend.standardize_dtype(Bilinear()((3, 3, 1, 1), dtype=dtype).dtype) == dtype


@pytest.mark.parametrize("shape", [(3, 3), (3, 4, 2, 2), (3, 3, 2, 1)])
def test_bilinear_other_shape_raises(shape):
    with pytest.raises(ValueError, match=r"Expected \(kernel_size, kernel_size, filters, channels\).*Received: shape="):
        Bilinear()(shape)


@pytest.mark.parametrize("factor", [0, 1.5, "2"])
def test_bilinear_invalid_factor_raises(factor):
    with pytest.raises(ValueError, match="Invalid value for argument `factor`"):
        Bilinear(factor)
