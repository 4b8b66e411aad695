import warnings

import keras
import numpy as np
import pytest

from keras_lvseg.layers import TransposeUpsample, UNetBlock
from keras_lvseg.models import unet
from tests.harness import arrays_of, outputs_of


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (17, 31), (16, 16)])
def test_unet_images_of_any_size_give_logits_of_that_size(size):
    model = unet(filters=1, depth=3, normalization="none")
    (image,) = arrays_of([(2, *size, 1)])
    logits = outputs_of(model, image)
    assert logits.shape == (2, *size, 2)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("shape", [(None, None, 1), (5, 7, 3), (64, None, 2), (1, 1, 1)])
def test_unet_output_shape_is_known_before_the_call(shape):
    model = unet(shape, num_classes=3, filters=2, depth=2)
    assert model.input_shape == (None, *shape)
    assert model.output_shape == (None, *shape[:2], 3)


def test_unet_output_pixel_sees_equally_far_to_all_sides():
    """Within one pixel, because pooling has a stride of 2."""
    model = unet(filters=2, depth=1, normalization="none")
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.uniform(0.1, 1, weight.shape))
    image = np.zeros((1, 31, 31, 1), "float32")
    at_rest = outputs_of(model, image)
    image[0, 15, 15] = 1
    rows, columns = np.nonzero((outputs_of(model, image) != at_rest)[0, ..., 0])
    for touched in (rows, columns):
        assert abs((touched.min() + touched.max()) / 2 - 15) <= 1


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_unet_logits_under_every_policy_are_float32(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = unet(filters=2, depth=1)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.output.dtype == "float32"
    assert model.get_layer("bottom").compute_dtype == policy.removeprefix("mixed_")
    assert {w.dtype for w in model.weights} == {"float32"}


def test_unet_arguments_reach_the_blocks():
    model = unet(filters=3, depth=1, normalization="group", dropout=0.25, residual=True)
    blocks = [layer for layer in model.layers if isinstance(layer, UNetBlock)]
    assert [block.filters for block in blocks] == [3, 6, 3]
    assert {(b.normalization, b.dropout, b.residual, b.data_format) for b in blocks} == {
        ("group", 0.25, True, "channels_last")
    }
    assert [layer.filters for layer in model.layers if isinstance(layer, TransposeUpsample)] == [3]


def test_unet_names_are_stable():
    first, second = unet(filters=2, depth=1), unet(filters=2, depth=1)
    names = ["image", "down_0", "pool_0", "bottom", "upsample_0", "up_0", "logits"]
    assert [layer.name for layer in first.layers] == [layer.name for layer in second.layers] == names
    assert first.name == second.name == "unet"
    assert [w.path for w in first.weights] == [w.path for w in second.weights]
    assert len({w.path for w in first.weights}) == len(first.weights)


def test_unet_channels_first_setting_keeps_channels_last():
    keras.config.set_image_data_format("channels_first")
    try:
        model = unet(filters=2, depth=1)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert model.output_shape == (None, None, None, 2)
    assert tuple(model(np.ones((1, 5, 6, 1), "float32")).shape) == (1, 5, 6, 2)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_unet_weights_from_a_file_are_loaded(suffix, tmp_path):
    (image,) = arrays_of([(1, 6, 5, 1)])
    model = unet(filters=2, depth=1)
    path = tmp_path / f"model{suffix}"
    model.save(path) if suffix == ".keras" else model.save_weights(path)
    for given in (path, str(path)):
        again = unet(filters=2, depth=1, weights=given)
        assert (outputs_of(again, image) == outputs_of(model, image)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras warns for each layer in a container, and then raises
        with pytest.raises(ValueError, match=r"(?i)shape|expected"):
            unet(filters=3, depth=1, weights=path)


@pytest.mark.parametrize("weights", ["sunnybrook", "no/such/file.weights.h5"])
def test_unet_unknown_weights_raise(weights):
    with pytest.raises(ValueError, match=rf"the name of bundled weights \(sax-lv\).*Received: weights='{weights}'"):
        unet(weights=weights)


def test_unet_without_arguments_has_documented_defaults():
    model = unet()
    blocks = {layer.name: layer for layer in model.layers if isinstance(layer, UNetBlock)}
    assert (model.output_shape[-1], blocks["down_0"].filters, blocks["down_0"].normalization) == (2, 32, "batch")
    assert "down_3" in blocks
    assert "down_4" not in blocks


def test_unet_normalization_none_as_text_has_no_normalization():
    assert unet(filters=1, depth=1, normalization="none").get_layer("bottom").normalization is None


def test_unet_name_is_that_of_the_model():
    assert unet(filters=1, depth=1, name="ventricle").name == "ventricle"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"input_shape": (4, 4, 0)},
        {"input_shape": (4, 4, None)},
        {"input_shape": (4, 4)},
        {"input_shape": (0, 4, 1)},
        {"input_shape": (4.0, 4, 1)},
        {"num_classes": 1},
        {"filters": 0},
        {"depth": 0},
        {"depth": 2.0},
        {"normalization": "spectral"},
        {"dropout": 2.0},
    ],
)
def test_unet_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match=rf"Invalid value for argument `{next(iter(kwargs))}`. Expected .* Received: "):
        unet(**kwargs)
