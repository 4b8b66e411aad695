import itertools

import keras
import numpy as np
import pytest
from keras import ops

from keras_lvseg.layers import UNetBlock
from tests.harness import BACKEND, arrays_of, check_layer
from tests.layers.cases import parameters


@pytest.mark.parametrize(
    ("layer_class", "kwargs", "shapes", "output_shape", "trainable", "non_trainable"), parameters(UNetBlock)
)
def test_unet_block_every_case_passes_layer_checks(layer_class, kwargs, shapes, output_shape, trainable, non_trainable):
    check_layer(
        layer_class, kwargs, *shapes, output_shape=output_shape, trainable=trainable, non_trainable=non_trainable
    )


@pytest.mark.parametrize("normalization", ["batch", "group", "instance", "layer", None])
@pytest.mark.parametrize("size", [(1, 1), (1, 3)])
def test_unet_block_tiny_image_gives_finite_output(size, normalization):
    block = UNetBlock(4, normalization=normalization, residual=True)
    result = ops.convert_to_numpy(block(np.ones((1, *size, 1), "float32")))
    assert result.shape == (1, *size, 4)
    assert np.isfinite(result).all()


def test_unet_block_equals_keras_layers_in_order():
    """The reference is Keras' own layers, in order."""
    (x,) = arrays_of([(2, 6, 6, 3)])
    block = UNetBlock(4, normalization="instance", activation="tanh", residual=True)
    block.build(x.shape)
    for weight, array in zip(block.weights, arrays_of([w.shape for w in block.weights]), strict=True):
        weight.assign(array)
    by_path = {w.path.split("/", 1)[1]: w for w in block.weights}

    def applied(layer, name, x):
        layer.build(x.shape)
        for weight in layer.weights:
            weight.assign(by_path[f"{name}/{weight.name}"])
        return layer(x)

    def convolution(name, size, x):
        return applied(keras.layers.Conv2D(4, size, padding="same", use_bias=False), name, x)

    def normalization(name, x):
        return applied(keras.layers.GroupNormalization(4), name, x)

    y = ops.tanh(normalization("norm_1", convolution("conv_1", 3, x)))
    y = normalization("norm_2", convolution("conv_2", 3, y))
    y = ops.tanh(y + convolution("shortcut", 1, x))
    np.testing.assert_allclose(ops.convert_to_numpy(block(x)), ops.convert_to_numpy(y), atol=1e-5)


@pytest.mark.parametrize(("filters", "groups"), [(1, 1), (6, 6), (8, 8), (16, 8), (9, 3), (11, 1), (20, 5)])
def test_unet_block_group_normalization_divides_filters(filters, groups):
    assert UNetBlock(filters, normalization="group")._normalizations[0].groups == groups


@pytest.mark.parametrize("normalization", ["group", "instance", "layer"])
def test_unet_block_image_normalization_does_not_depend_on_the_batch(normalization):
    (x,) = arrays_of([(3, 4, 4, 2)])
    block = UNetBlock(4, normalization=normalization)
    np.testing.assert_allclose(
        ops.convert_to_numpy(block(x))[:1], ops.convert_to_numpy(block(x[:1], training=True)), atol=1e-5
    )


@pytest.mark.parametrize("initializer", ["he_normal", keras.initializers.HeNormal()])
def test_unet_block_convolutions_of_one_shape_start_with_different_kernels(initializer):
    block = UNetBlock(4, convolutions=3, kernel_initializer=initializer)
    block.build((None, None, None, 4))
    kernels = [ops.convert_to_numpy(w) for w in block.trainable_weights if w.name == "kernel"]
    assert len(kernels) == 3
    assert not any((a == b).all() for a, b in itertools.combinations(kernels, 2))


def test_unet_block_initializer_and_regularizer_reach_every_kernel():
    kwargs = {"kernel_initializer": "ones", "kernel_regularizer": keras.regularizers.L2(0.5)}
    block = UNetBlock(4, residual=True, **kwargs)
    block.build((None, None, None, 2))
    kernels = [w for w in block.trainable_weights if w.name == "kernel"]
    assert len(kernels) == len(block.losses) == 3
    assert all((ops.convert_to_numpy(kernel) == 1).all() for kernel in kernels)
    penalty = sum(ops.convert_to_numpy(loss) for loss in block.losses)
    assert penalty == 0.5 * sum(np.prod(kernel.shape) for kernel in kernels)


def test_unet_block_momentum_is_that_of_the_moving_statistics():
    (x,) = arrays_of([(4, 8, 8, 2)])
    block = UNetBlock(4, convolutions=1, momentum=0.25)
    block(x, training=True)
    mean = ops.convert_to_numpy(block.non_trainable_weights[0])
    convolution = UNetBlock(4, convolutions=1, normalization=None, activation=None)
    convolution(x)
    convolution.set_weights([ops.convert_to_numpy(block.trainable_weights[0]), np.zeros(4)])
    expected = 0.75 * ops.convert_to_numpy(convolution(x)).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(mean, expected, rtol=1e-4, atol=1e-6)


def test_unet_block_dropout_and_statistics_change_only_in_training():
    (x,) = arrays_of([(2, 8, 8, 2)])
    block = UNetBlock(8, normalization=None, dropout=0.5)
    at_rest = ops.convert_to_numpy(block(x))
    assert (ops.convert_to_numpy(block(x, training=False)) == at_rest).all()
    dropped = ops.convert_to_numpy(block(x, training=True))
    kept = dropped != 0
    np.testing.assert_allclose(dropped[kept], 2 * at_rest[kept], rtol=1e-5)
    assert 0.3 < kept[at_rest > 0].mean() < 0.7

    block = UNetBlock(8)
    before = [ops.convert_to_numpy(w) for w in (block(x), *block.non_trainable_weights)[1:]]
    block(x, training=True)
    after = [ops.convert_to_numpy(w) for w in block.non_trainable_weights]
    assert all((a != b).any() for a, b in zip(after, before, strict=True))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow's convolutions on a CPU need channels last")
@pytest.mark.parametrize("normalization", ["batch", "group", "instance", "layer", None])
def test_unet_block_both_data_formats_give_equal_output(normalization):
    (x,) = arrays_of([(2, 5, 4, 3)])
    last, first = (
        UNetBlock(4, normalization=normalization, residual=True, data_format=data_format)
        for data_format in ("channels_last", "channels_first")
    )
    last.build(x.shape)
    first.build((2, 3, 5, 4))
    first.set_weights(last.get_weights())
    moved = np.moveaxis(ops.convert_to_numpy(first(np.moveaxis(x, -1, 1).copy())), 1, -1)
    np.testing.assert_allclose(ops.convert_to_numpy(last(x)), moved, atol=1e-5)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"filters": 0},
        {"filters": 1.5},
        {"filters": 4, "kernel_size": 0},
        {"filters": 4, "kernel_size": (3, 3)},
        {"filters": 4, "convolutions": 0},
        {"filters": 4, "normalization": "spectral"},
        {"filters": 4, "momentum": 1.5},
        {"filters": 4, "dropout": -0.1},
        {"filters": 4, "kernel_initializer": "henormal"},
        {"filters": 4, "kernel_regularizer": "l3"},
        {"filters": 4, "data_format": "channels"},
    ],
)
def test_unet_block_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match=r"Received: |Could not interpret"):
        UNetBlock(**kwargs)


def test_unet_block_after_a_hundred_steps_has_the_batch_statistics():
    images = np.random.default_rng(0).normal(50, 20, (4, 8, 8, 3)).astype("float32")
    block = UNetBlock(4)
    for _ in range(100):
        trained = block(images, training=True)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (block(images), trained)), atol=0.05)
