import json
from dataclasses import asdict
from importlib.util import find_spec

import numpy as np
import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.inference import export_network
from keras_lvseg.inference.engines import export
from keras_lvseg.models.pretrained import pretrained_info
from tests.inference.planted import write_planted_run
from tests.small_tree import write_small_tree

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, ("onnx", "onnxruntime", "openvino"))), reason="needs the extras 'openvino' and 'onnx'"
)

FILES = {"openvino": {"network.xml", "network.bin"}, "onnx": {"network.onnx"}}


@pytest.fixture
def run(tmp_path):
    return write_planted_run(tmp_path / "run", 100.0, image_size=(32, 48))


@pytest.fixture
def images(tmp_path):
    return write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=2)


def computed(folder, images):
    """Return the logits of an exported network."""
    if (folder / "network.onnx").exists():
        import onnxruntime

        return onnxruntime.InferenceSession(folder / "network.onnx").run(None, {"image": images})[0]
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32"}  # some CPUs would compute in bfloat16
    return openvino.Core().compile_model(folder / "network.xml", "CPU", options)({"image": images})["logits"]


@pytest.mark.parametrize("format", FILES)
def test_export_network_gives_files_that_compute_alone(run, images, tmp_path, format):
    parity = export_network(run, tmp_path / "out", format=format, images=images)
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES[format] | {"network.json", "parity.json"}
    pixels = np.random.default_rng(0).uniform(0, 200, (5, 32, 48, 1)).astype("float32")
    for batch in (pixels, pixels[:1]):
        assert ((computed(tmp_path / "out", batch).argmax(-1) == 1) == (batch[..., 0] > 100)).all()
    assert pretrained_info(tmp_path / "out" / "network.json") == pretrained_info(run / "network.json")
    assert json.loads((tmp_path / "out" / "parity.json").read_text()) == asdict(parity)
    assert (parity.images, parity.equal_pixels) == (4, 1)
    assert parity.largest_difference < 1e-4 < parity.largest_logit
    with pytest.raises(DataError, match="is not empty"):
        export_network(run, tmp_path / "out", format=format, images=images)


def test_export_network_that_differs_from_keras_is_not_written(run, images, tmp_path, monkeypatch):
    real = export.read_arrays

    def inverted(weights):
        return {key: -array if key.startswith("logits") else array for key, array in real(weights).items()}

    monkeypatch.setattr(export, "read_arrays", inverted)
    with pytest.raises(DataError, match=r"classes differ from Keras; expected 99\.99 % equal, got [0-9]"):
        export_network(run, tmp_path / "out", format="onnx", images=images)
    assert not (tmp_path / "out").exists()


def test_export_network_unknown_format_is_one_line(run, tmp_path):
    with pytest.raises(ValueError, match=r"`format`\. Expected one of openvino, onnx\. Received: format='tflite'"):
        export_network(run, tmp_path / "out", format="tflite")
