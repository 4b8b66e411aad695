import dataclasses
import json
import os
from pathlib import Path

import keras
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.files import write_json
from keras_lvseg.training import RunFolder, TrainingSettings


def test_run_folder_is_a_path():
    assert os.fspath(RunFolder(Path("runs/first"))) == os.path.join("runs", "first")


def test_roles_gives_the_split_of_each_patient(planted_run):
    assert planted_run.roles() == {"PHANTOM0001": "train", "PHANTOM0002": "train", "PHANTOM0003": "test"}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[" * 100_000, "[]", "3", "null", '{"train": "P1"}', '{"train": [1]}', '{"train": [["P1"]]}', "\xff"],
)
def test_roles_invalid_split_is_one_line(tmp_path, content):
    run = RunFolder(tmp_path)
    run.split.write_text(content, encoding="latin-1")
    with pytest.raises(DataError) as caught:
        run.roles()
    assert caught.value.path == str(run.split)
    assert len(str(caught.value).splitlines()) == 1


def test_roles_missing_split_is_named(tmp_path):
    with pytest.raises(DataError, match=r"split\.json: cannot be read"):
        RunFolder(tmp_path).roles()


def lambda_model(path: Path) -> None:
    """Write a model whose loading would run Python code."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Lambda(lambda x: x, output_shape=(1,))])
    model.save(path)


def damaged(content: bytes):
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    "write", [lambda_model, damaged(b""), damaged(b"no model"), damaged(b"PK\x03\x04" + bytes(100))]
)
def test_load_checkpoint_unsafe_or_damaged_is_one_line(tmp_path, write):
    run = RunFolder(tmp_path)
    write(run.checkpoint)
    with pytest.raises(DataError, match="cannot be loaded as a Keras model") as caught:
        run.load_checkpoint()
    assert caught.value.path == str(run.checkpoint)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture
def old_run(phantom_tree, tmp_path):
    """A run that was begun before `settings.toml`, with its data set."""
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]}, image_size=(32, 32))
    run = RunFolder.start(tmp_path / "run", TrainingSettings(epochs=3), dataset)
    data = json.loads(run.data.read_text())
    settings = {"training": dataclasses.asdict(TrainingSettings(epochs=3)), "data": data}
    write_json(run.path / "settings.json", {"keras_lvseg": data.pop("keras_lvseg"), **settings})
    run.settings.unlink()
    run.data.unlink()
    return run, dataset


def test_start_resumes_a_run_with_the_old_settings_file(old_run):
    run, dataset = old_run
    assert RunFolder.start(run.path, TrainingSettings(epochs=3), dataset, resume=True) == run
    with pytest.raises(DataError, match="was begun with another epochs; expected 3, got 4"):
        RunFolder.start(run.path, TrainingSettings(epochs=4), dataset, resume=True)


@pytest.mark.parametrize("content", ["[]", "{}", '{"training": {}}', '{"training": [], "data": {}}'])
def test_start_with_a_damaged_old_settings_file_is_one_line(old_run, content):
    run, dataset = old_run
    (run.path / "settings.json").write_text(content)
    with pytest.raises(DataError, match=r"settings\.json: does not describe a run; train in a new folder"):
        RunFolder.start(run.path, TrainingSettings(epochs=3), dataset, resume=True)


def test_start_resumes_a_run_that_was_killed_before_it_wrote_its_settings(phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]})
    run = RunFolder.start(tmp_path / "run", TrainingSettings(), dataset)
    run.settings.unlink()
    run.split.unlink()
    with pytest.raises(DataError, match="is not empty"):
        RunFolder.start(run.path, TrainingSettings(), dataset)
    assert RunFolder.start(run.path, TrainingSettings(), dataset, resume=True).settings.is_file()


def test_start_keeps_a_file_of_the_same_name_that_no_run_wrote(phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"]})
    write_json(tmp_path / "data.json", {"mine": 1})
    with pytest.raises(DataError, match="is not empty"):
        RunFolder.start(tmp_path, TrainingSettings(), dataset, resume=True)
    assert json.loads((tmp_path / "data.json").read_text()) == {"mine": 1}
