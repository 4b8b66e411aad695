import keras
import numpy as np
import pytest
from keras import ops

from keras_lvseg.layers import Bilinear, TransposeUpsample
from tests.harness import BACKEND, arrays_of, check_layer
from tests.layers.cases import parameters


@pytest.mark.parametrize(
    ("layer_class", "kwargs", "shapes", "output_shape", "trainable", "non_trainable"), parameters(TransposeUpsample)
)
def test_transpose_upsample_every_case_passes_layer_checks(
    layer_class, kwargs, shapes, output_shape, trainable, non_trainable
):
    check_layer(
        layer_class, kwargs, *shapes, output_shape=output_shape, trainable=trainable, non_trainable=non_trainable
    )


@pytest.mark.parametrize("skip", [(1, 1), (2, 2), (3, 1), (1, 3)])
def test_transpose_upsample_skip_is_stacked_after_cropped_or_padded_maps(skip):
    coarse, fine = arrays_of([(2, 1, 1, 3), (2, *skip, 2)])
    layer = TransposeUpsample(4)
    alone, stacked = (ops.convert_to_numpy(x) for x in (layer(coarse), layer(coarse, fine)))
    assert stacked.shape == (2, *skip, 6)
    assert (stacked[..., 4:] == fine).all()
    height, width = min(2, skip[0]), min(2, skip[1])
    assert (stacked[:, :height, :width, :4] == alone[:, :height, :width]).all()
    assert (stacked[:, height:, :, :4] == 0).all()
    assert (stacked[:, :, width:, :4] == 0).all()


@pytest.mark.parametrize(("factor", "kernel_size"), [(2, None), (2, 3), (3, None), (4, 7), (4, 9), (16, 31)])
def test_transpose_upsample_bilinear_start_keeps_planes(factor, kernel_size):
    """A plane stays a plane, except at the border, where a neighbour is missing."""
    layer = TransposeUpsample(2, factor=factor, kernel_size=kernel_size, kernel_initializer="bilinear")
    y, x = np.mgrid[:5, :6].astype("float32")
    plane = np.stack([np.ones_like(x), 2 * x - 3 * y], -1)[None]
    result = ops.convert_to_numpy(layer(plane))[0, factor:-factor, factor:-factor]
    np.testing.assert_allclose(result[..., 0], 1, atol=1e-5)
    np.testing.assert_allclose(np.diff(result[..., 1], axis=1), 2 / factor, atol=1e-4)
    np.testing.assert_allclose(np.diff(result[..., 1], axis=0), -3 / factor, atol=1e-4)
    np.testing.assert_allclose(result[..., 1].mean(), (plane[..., 1].mean()), atol=3)


@pytest.mark.parametrize("initializer", ["bilinear", Bilinear(), {"class_name": "bilinear", "config": {}}])
def test_transpose_upsample_bilinear_is_found_by_name_instance_and_config(initializer):
    layer = TransposeUpsample(2, factor=4, kernel_size=9, kernel_initializer=initializer)
    assert isinstance(layer.kernel_initializer, Bilinear)
    assert layer.kernel_initializer.factor == 4
    assert TransposeUpsample.from_config(layer.get_config()).get_config() == layer.get_config()


def test_transpose_upsample_regularizer_is_applied_to_the_kernel():
    layer = TransposeUpsample(4, kernel_initializer="ones", kernel_regularizer="l2")
    layer.build((None, None, None, 3))
    losses = [float(keras.ops.convert_to_numpy(loss)) for loss in layer.losses]
    assert losses == pytest.approx([0.01 * 2 * 2 * 4 * 3])


def test_transpose_upsample_default_kernel_size_depends_on_initializer():
    assert TransposeUpsample(1, factor=3).kernel_size == 3
    assert TransposeUpsample(1, factor=3, kernel_initializer="bilinear").kernel_size == 5
    assert TransposeUpsample(1, factor=16, kernel_initializer="bilinear").kernel_size == 32


@pytest.mark.skipif(BACKEND == "tensorflow", reason="TensorFlow's convolutions on a CPU need channels last")
def test_transpose_upsample_both_data_formats_give_equal_output():
    coarse, fine = arrays_of([(2, 3, 4, 3), (2, 5, 9, 2)])
    last, first = (TransposeUpsample(3, data_format=f) for f in ("channels_last", "channels_first"))
    expected = ops.convert_to_numpy(last(coarse, fine))
    first.build((2, 3, 3, 4), (2, 2, 5, 9))
    first.set_weights(last.get_weights())
    result = ops.convert_to_numpy(first(*(np.moveaxis(x, -1, 1).copy() for x in (coarse, fine))))
    np.testing.assert_allclose(np.moveaxis(result, 1, -1), expected, atol=1e-5)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"filters": 0},
        {"filters": 4, "factor": 0},
        {"filters": 4, "factor": 2.0},
        {"filters": 4, "factor": 4, "kernel_size": 3},
        {"filters": 4, "factor": 4, "kernel_size": 6, "kernel_initializer": "bilinear"},
        {"filters": 4, "data_format": "channels"},
        {"filters": 4, "kernel_initializer": "henormal"},
        {"filters": 4, "kernel_regularizer": "l3"},
    ],
)
def test_transpose_upsample_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match=r"Received: |Could not interpret"):
        TransposeUpsample(**kwargs)


def test_transpose_upsample_bilinear_with_other_channels_raises():
    with pytest.raises(ValueError, match=r"as many filters as input channels. Received: shape=\(4, 4, 2, 3\)"):
        TransposeUpsample(2, kernel_initializer="bilinear").build((None, None, None, 3))
    with pytest.raises(ValueError, match="as many filters as input channels"):
        keras.Sequential([keras.Input((4, 4, 1)), TransposeUpsample(2, kernel_initializer="bilinear")])


@pytest.mark.parametrize("built", [False, True])
def test_transpose_upsample_of_a_list_says_how_to_call_it(built):
    coarse, fine = arrays_of([(2, 1, 1, 3), (2, 2, 2, 2)])
    layer = TransposeUpsample(2)
    if built:
        layer(coarse, fine)
    for inputs in ([coarse, fine], [keras.Input(x.shape[1:]) for x in (coarse, fine)]):
        with pytest.raises(ValueError, match=r"`layer\(x, skip\)`"):
            layer(inputs)
