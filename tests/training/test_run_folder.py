import os
from pathlib import Path

import keras
import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.training import RunFolder


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
