import numpy as np
import pytest

from keras_lvseg import Segmenter
from keras_lvseg.inference.engines import engine
from keras_lvseg.inference.engines.engine import choose_engine
from keras_lvseg.models.gpu import has_gpu
from tests.inference.planted import write_planted_run

IMAGE = np.random.default_rng(0).uniform(0, 200, (30, 40))


def require(name):
    for module in engine._MODULES[name]:
        pytest.importorskip(module, reason=f"needs the extra '{name}'")


def test_choose_engine_unknown_name_is_one_line():
    with pytest.raises(ValueError, match=r"`engine`\. Expected one of auto, keras, openvino, onnx\. Received: .*'gpu'"):
        choose_engine("gpu")


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_choose_engine_that_is_not_installed_names_the_extra(monkeypatch, name):
    monkeypatch.setitem(engine._MODULES, name, ("no_such_module",))
    with pytest.raises(ValueError, match=rf'pip install "keras-lvseg\[{name}\]"\. Received: engine=\'{name}\''):
        choose_engine(name)


def test_choose_engine_auto_is_keras_without_openvino(monkeypatch):
    monkeypatch.setitem(engine._MODULES, "openvino", ("no_such_module",))
    assert choose_engine("auto") == "keras"


def test_choose_engine_auto_is_openvino_where_a_cpu_computes(monkeypatch):
    monkeypatch.setitem(engine._MODULES, "openvino", ("json",))
    assert choose_engine("auto") == ("keras" if has_gpu() else "openvino")


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_segmenter_with_engine_gives_the_masks_of_keras(tmp_path, name):
    require(name)
    run = write_planted_run(tmp_path, 100.0, image_size=IMAGE.shape)
    segmenter = Segmenter(run, engine=name)
    assert segmenter.settings["engine"] == name
    np.testing.assert_array_equal(segmenter.mask(IMAGE, 1.5), IMAGE > 100)


@pytest.mark.parametrize("name", ["openvino", "onnx"])
def test_segmenter_with_engine_of_damaged_run_is_one_line(tmp_path, name):
    require(name)
    path = write_planted_run(tmp_path, 100.0) / "network.json"
    path.write_text(path.read_text().replace('"depth": 1', '"depth": 2'))
    with pytest.raises(ValueError, match=r"network\.json: describes a network that cannot be built") as caught:
        Segmenter(tmp_path, engine=name)
    assert len(str(caught.value).splitlines()) == 1


def test_segmenter_invalid_views_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"`views`\. Expected 1, 2, 4 or None\. Received: views=3"):
        Segmenter(views=3)
