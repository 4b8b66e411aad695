import sys
from dataclasses import replace

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.models.build import load_network
from keras_lvseg.training import RunFolder
from tests.harness import outputs_of, train_eagerly
from tests.png_tree import write_png_tree
from tools import train_bundled_weights as script


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """Return a tree of PNG images, the run on it, and the folder of its weights. The script runs twice."""
    folder = tmp_path_factory.mktemp("bundled")
    tree, run, out = write_png_tree(folder / "tree"), folder / "run", folder / "weights"
    out.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        train_eagerly(patch)
        patch.setattr(script, "SETTINGS", replace(script.SETTINGS, epochs=1, filters=2, crop=32, phantoms=0))
        patch.setattr(
            sys, "argv", ["train_bundled_weights.py", str(tree), str(run), "--dtype", "float32", "--out", str(out)]
        )
        script.main()
        before = [path.read_bytes() for path in (run / "network.npz", out / "sax-lv.npz", out / "sax-lv.json")]
        script.main()  # a training that is over is not done again
        assert before == [path.read_bytes() for path in (run / "network.npz", out / "sax-lv.npz", out / "sax-lv.json")]
    return tree, RunFolder(run), out


@pytest.mark.slow
def test_main_writes_the_weights_of_the_run_in_float16(bundled):
    tree, run, out = bundled
    model, info = load_network(out / "sax-lv.json")
    trained, trained_info = load_network(run.network)
    image = np.random.default_rng(0).normal(size=(1, 32, 48, 1)).astype("float32")
    np.testing.assert_allclose(outputs_of(model, image), outputs_of(trained, image), atol=2e-2)
    for weight, due in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, due.astype(np.float16))

    images, _ = SAXDataset(tree, splits={"test": ["P1"]}, **info.data).as_arrays("test")
    assert images.shape[1:] == (144, 144, 1)
    assert info.inference == trained_info.inference
    assert info.training["patients"] == ["P1", "P2"]
    assert (info.training["images"], info.training["phantoms"]) == (8, 0)
    assert run.roles() == {"P1": "train", "P2": "train"}
    assert '"labels_include_outline": true' in run.data.read_text()
