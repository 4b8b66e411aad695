"""Run folders from strangers: nothing in them can run code."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.files import write_json
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.models.pretrained import pretrained_info
from tests.inference.planted import threshold_network, write_planted_run

THRESHOLD = 100.0
IMAGE = np.random.default_rng(0).uniform(0, 200, (30, 40))


def test_bundled_network_has_the_grid_of_its_info():
    network = TrainedNetwork.bundled()
    info = pretrained_info("sax-lv")
    assert network.info == info
    assert network.source == {"weights": "sax-lv", "keras_lvseg": info.keras_lvseg, "sha256": info.sha256}
    preprocessing = network.preprocessing
    assert (preprocessing.image_size, preprocessing.pixel_spacing) == ((144, 144), 1.5)


@pytest.mark.parametrize(
    ("data", "architecture", "window"),
    [
        ({}, {}, 80),
        ({"pixel_spacing": 1.0}, {}, 128),
        ({"pixel_spacing": 0.7}, {}, None),  # 176 pixels do not fit
        ({"pixel_spacing": None}, {}, None),
        ({}, {"normalization": "group"}, None),
    ],
)
def test_window_is_120_mm_of_a_u_net_that_looks_at_no_whole_image(data, architecture, window):
    network = TrainedNetwork.bundled()
    info = network.info
    network.info = replace(info, data={**info.data, **data}, architecture={**info.architecture, **architecture})
    assert network.window == window


@pytest.mark.parametrize("name", ["empty", "absent"])
def test_from_run_folder_without_network_is_one_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"is not a finished training run: it has no network\.json") as caught:
        TrainedNetwork.from_run(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def lambda_layer(path: Path) -> None:
    harm = keras.layers.Lambda(lambda x: (__import__("pathlib").Path("harm").touch(), x)[1], output_shape=(4,))
    model = keras.Sequential([keras.Input((4,)), harm])
    model.save(path)
    Path("harm").unlink(missing_ok=True)


def foreign_layer(module: str, class_name: str, /, **config: object):
    """Return a function that writes a model whose only layer is a class of another module."""

    def write(path: Path) -> None:
        model = threshold_network(THRESHOLD)
        content = json.loads(model.to_json())
        content["config"]["layers"][1] |= {"module": module, "class_name": class_name, "registered_name": None}
        content["config"]["layers"][1]["config"] = {"name": "down_0", **config}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(content))
            archive.writestr("metadata.json", json.dumps({"keras_version": keras.__version__}))
            weights = io.BytesIO()
            np.savez(weights)
            archive.writestr("model.weights.npz", weights.getvalue())

    return write


def member_outside(path: Path) -> None:
    threshold_network(THRESHOLD).save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../harm", "outside")
        archive.writestr("assets/../../harm", "outside")


HOSTILE = {
    "Lambda layer": lambda_layer,
    "foreign module": foreign_layer("os", "system", command="touch harm"),
    "TFSMLayer": foreign_layer("keras.layers", "TFSMLayer", filepath="/tmp/saved_model", call_endpoint="serve"),
    "TorchModuleWrapper": foreign_layer("keras.layers", "TorchModuleWrapper", module="gASVAAAA"),
    "member outside": member_outside,
    "no archive": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_from_run_ignores_keras_files(tmp_path, monkeypatch, name):
    run = write_planted_run(tmp_path / "run", THRESHOLD, image_size=IMAGE.shape)
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    for file in ("model.keras", "checkpoint.keras", "network.keras"):
        HOSTILE[name](run / file)
    before = sorted(path for path in tmp_path.rglob("*"))
    with monkeypatch.context() as patch:
        for function in ("load_model", "load_weights", "deserialize_keras_object"):
            patch.setattr(keras.saving, function, None)
        network = TrainedNetwork.from_run(run)
        (mask,) = network.masks([IMAGE], [(1.5, 1.5)])
    np.testing.assert_array_equal(mask, IMAGE > THRESHOLD)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_lambda_layer_would_have_run(tmp_path, monkeypatch):
    """Check that the attack of the test above works where nothing stops it."""
    monkeypatch.chdir(tmp_path)
    lambda_layer(tmp_path / "model.keras")
    assert not Path("harm").exists()
    model = keras.saving.load_model(tmp_path / "model.keras", safe_mode=False)
    model.predict_on_batch(np.zeros((1, 4)))
    assert Path("harm").exists()


@pytest.mark.parametrize(
    "architecture",
    [
        {"filters": 10**9},
        {"filters": 10**400},
        {"filters": -1},
        {"filters": [1]},
        {"normalization": {"module": "os", "class_name": "system", "config": {"command": "touch harm"}}},
        {"normalization": "keras.layers>Lambda"},
        {"dropout": {"module": "builtins", "class_name": "eval"}},
        {"dropout": float("nan")},
        {"residual": "yes"},
        {"network": "fully_connected", "hidden_units": 10**12},
        {"network": "fcn", "filters": [10**6, 10**6, 10**6, 10**6]},
    ],
)
def test_from_run_architecture_that_cannot_be_built_is_one_line(tmp_path, architecture):
    path = write_planted_run(tmp_path, THRESHOLD, image_size=(32, 32)) / "network.json"
    content = json.loads(path.read_text())
    content["network"] = network = architecture.pop("network", "unet")
    content["architecture"] |= architecture
    if network != "unet":
        content["architecture"] = {"input_shape": [32, 32, 1], "num_classes": 2, **architecture}
    path.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        TrainedNetwork.from_run(tmp_path)
    assert Path(caught.value.path).stem == "network"
    assert len(str(caught.value).splitlines()) == 1


def test_from_run_needs_two_files_only(tmp_path):
    run = write_planted_run(tmp_path, THRESHOLD, image_size=IMAGE.shape)
    (run / "settings.toml").write_text("[")
    write_json(run / "split.json", [])
    (mask,) = TrainedNetwork.from_run(run).masks([IMAGE], [(1.5, 1.5)])
    np.testing.assert_array_equal(mask, IMAGE > THRESHOLD)
