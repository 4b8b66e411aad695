import shutil

import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.training.run_folder import RunFolder


@pytest.fixture
def run(small_run, tmp_path):
    return RunFolder.open(shutil.copytree(small_run.path, tmp_path / "run"))


def test_a_run_tells_how_its_network_wants_frames(run):
    assert run.preprocessing().image_size == (80, 80)
    assert run.preprocessing().intensity == "zscore"
    assert (run.target(), run.contour_origin()) == ("endocardium", -0.75)
    assert run.patients() == {"PHANTOM0001": "train", "PHANTOM0002": "train", "PHANTOM0003": "test"}


@pytest.mark.parametrize("name", ["model.keras", "settings.json", "split.json"])
def test_an_unfinished_run_is_told_by_what_it_lacks(run, name):
    (run.path / name).unlink()
    with pytest.raises(DataError, match=f"is no finished training run: it has no {name}"):
        RunFolder.open(run.path)


def test_a_folder_that_is_none_is_no_run(tmp_path):
    with pytest.raises(DataError, match="is no finished training run"):
        RunFolder.open(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04" + bytes(100)])
def test_a_model_that_is_none_is_named(run, content):
    run.model.write_bytes(content)
    with pytest.raises(DataError, match="is no Keras model that can be loaded") as caught:
        run.load_model()
    assert caught.value.path == str(run.model)
    assert "\n" not in str(caught.value)


def test_damaged_settings_are_named(run):
    run.settings.write_text("{")
    with pytest.raises(DataError, match=r"settings\.json: is no JSON"):
        run.preprocessing()
    run.settings.write_text("{}")
    with pytest.raises(DataError, match=r"settings\.json: has no part 'data'"):
        run.target()
