import keras
import numpy as np
import pytest
from keras import ops

from keras_lvseg.layers import Bilinear


def test_kernel_of_two_is_the_tent():
    weights = ops.convert_to_numpy(Bilinear()((4, 4, 1, 1)))[..., 0, 0]
    np.testing.assert_allclose(weights, np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25]))


@pytest.mark.parametrize(("size", "factor"), [(1, 1), (3, 2), (4, 2), (5, 3), (7, 4), (8, 4), (31, 16), (32, 16)])
def test_factor_is_taken_from_the_kernel_size(size, factor):
    given, inferred = (ops.convert_to_numpy(Bilinear(f)((size, size, 2, 2))) for f in (factor, None))
    assert (given == inferred).all()


def test_channels_stay_apart():
    weights = ops.convert_to_numpy(Bilinear()((3, 3, 2, 2)))
    assert (weights[..., 0, 1] == 0).all()
    assert (weights[..., 1, 0] == 0).all()
    assert (weights[..., 0, 0] == weights[..., 1, 1]).all()


@pytest.mark.parametrize("name", ["bilinear", "keras_lvseg>Bilinear"])
def test_keras_layers_find_it_by_name(name):
    layer = keras.layers.Conv2DTranspose(1, 4, strides=2, padding="same", kernel_initializer=name)
    result = ops.convert_to_numpy(layer(np.ones((1, 4, 4, 1), "float32")))[0, 1:-1, 1:-1, 0]
    np.testing.assert_allclose(result, 1, atol=1e-6)


@pytest.mark.parametrize("initializer", [Bilinear(), Bilinear(3)])
def test_config_round_trip(initializer):
    revived = keras.initializers.deserialize(keras.initializers.serialize(initializer))
    assert type(revived) is Bilinear
    assert revived.factor == initializer.factor


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtype_is_taken(dtype):
    assert keras.backend.standardize_dtype(Bilinear()((3, 3, 1, 1), dtype=dtype).dtype) == dtype


@pytest.mark.parametrize("shape", [(3, 3), (3, 4, 2, 2), (3, 3, 2, 1)])
def test_shape_that_does_not_fit_raises(shape):
    with pytest.raises(ValueError, match=r"Expected \(kernel_size, kernel_size, filters, channels\).*Received: shape="):
        Bilinear()(shape)


@pytest.mark.parametrize("factor", [0, 1.5, "2"])
def test_ill_factor_raises(factor):
    with pytest.raises(ValueError, match="Invalid value for argument `factor`"):
        Bilinear(factor)
