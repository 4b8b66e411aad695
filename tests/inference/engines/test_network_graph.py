"""Graphs and engines against Keras, over every kind of network."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest

from keras_lvseg.inference.engines.engine import open_engine
from keras_lvseg.inference.engines.network_graph import network_graph
from keras_lvseg.models.build import build_network
from keras_lvseg.models.pretrained import PretrainedInfo, network_weights

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxruntime", "openvino"))), reason="needs the extras 'openvino' and 'onnx'"
)

UNET = {"input_shape": [None, None, 1], "num_classes": 2, "filters": 3, "depth": 2, "dropout": 0.5}
UNET |= {"normalization": "batch", "residual": False}
NETWORKS = {
    "unet": ("unet", {}),
    "unet of odd sizes": ("unet", {"image_size": [13, 21], "depth": 3}),
    "unet of three classes": ("unet", {"num_classes": 3}),
    "residual": ("unet", {"residual": True}),
    "group": ("unet", {"normalization": "group", "filters": 12}),
    "instance": ("unet", {"normalization": "instance"}),
    "layer": ("unet", {"normalization": "layer"}),
    "none": ("unet", {"normalization": "none"}),
    "fcn": ("fcn", {"filters": [3, 4, 5, 6], "image_size": [32, 48]}),
    "fully_connected": ("fully_connected", {"hidden_units": 7}),
}


def random_network(name):
    """Return a network with random weights, moving statistics included, its values and its arrays."""
    network, changes = NETWORKS[name]
    size = changes.get("image_size", [16, 24])
    architecture = {key: value for key, value in changes.items() if key != "image_size"}
    known = UNET if network == "unet" else {"input_shape": [*size, 1], "num_classes": 2}
    architecture = known | architecture
    target = "endocardium" if architecture["num_classes"] == 2 else "myocardium"
    data = {"target": target, "image_size": size, "pixel_spacing": 1.5, "intensity": "zscore", "contour_origin": -0.75}
    info = PretrainedInfo(network, architecture, data, {"flip_tta": False, "postprocess": False}, {})
    model, rng = build_network(network, architecture), np.random.default_rng(0)
    arrays = {}
    for key, weight in network_weights(model).items():
        drawn = rng.normal(0, 0.4, weight.shape).astype("float32")
        arrays[key] = np.abs(drawn) + 0.1 if key.endswith("variance") else drawn
        weight.assign(arrays[key])
    return model, info, arrays


@pytest.mark.parametrize("name", NETWORKS)
def test_engines_give_the_probabilities_of_keras_for_any_batch_size(name):
    model, info, arrays = random_network(name)
    images = np.random.default_rng(1).normal(size=(3, *info.data["image_size"], 1)).astype("float32")
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(model(images, training=False)))
    assert 0.1 < expected.std() < 0.5
    for engine in ("openvino", "onnx"):
        predict = open_engine(engine, info, arrays)
        np.testing.assert_allclose(predict(images), expected, atol=1e-4)
        np.testing.assert_allclose(predict(images[:1]), expected[:1], atol=1e-4)


@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_engines_give_the_probabilities_of_keras_for_any_size_of_an_image(engine):
    model, info, arrays = random_network("unet of three classes")
    predict = open_engine(engine, info, arrays)
    for size in ((16, 24), (8, 20), (31, 17)):
        images = np.random.default_rng(1).normal(size=(2, *size, 1)).astype("float32")
        expected = keras.ops.convert_to_numpy(keras.ops.softmax(model(images, training=False)))
        np.testing.assert_allclose(predict(images), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda architecture, arrays: architecture.update(filters=4), ValueError),
        (lambda architecture, arrays: architecture.update(depth=3), KeyError),
        (lambda architecture, arrays: architecture.update(depth=1), ValueError),
        (lambda architecture, arrays: arrays.pop("bottom/norm_1/beta"), KeyError),
    ],
    ids=["filters", "deeper", "shallower", "array"],
)
def test_graph_of_arrays_that_do_not_fit_raises(change, error):
    _, info, arrays = random_network("unet")
    change(info.architecture, arrays)
    with pytest.raises(error):
        network_graph(info, arrays)
