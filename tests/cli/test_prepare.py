import shutil

import numpy as np
import pytest

from keras_lvseg.cli import main
from keras_lvseg.data.tfrecords.course import CourseRecord
from keras_lvseg.data.tfrecords.framing import write_records


@pytest.fixture
def tree(phantom_tree, tmp_path):
    return shutil.copytree(phantom_tree, tmp_path / "tree")


@pytest.fixture
def prepare(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("KERAS_LVSEG_CACHE", str(tmp_path / "cache"))

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(["prepare", *map(str, arguments)])
        return left.value.code, *capsys.readouterr()

    return run


def test_a_tree_is_decoded_once_and_said_to_be_there(prepare, tree, tmp_path):
    count = len(list(tree.glob("dicoms/*/*.dcm")))
    arrays = lambda: len(list(tmp_path.glob("cache/*/arrays/*/*.npy")))  # noqa: E731
    assert prepare(tree)[::2] == (0, "")
    assert arrays() == count
    code, out, err = prepare(tree)
    assert (code, err) == (0, "")
    assert f"{count} frames: all there already; in {tmp_path / 'cache'}" in out
    next(tmp_path.glob("cache/*/arrays/*/*.npy")).unlink()
    assert f"{count} frames: 1 decoded, {count - 1} there already" in prepare(tree)[1]
    assert arrays() == count


def test_records_need_no_preparing(prepare, tmp_path):
    record = CourseRecord(np.arange(16).reshape(4, 4), np.eye(4, dtype=np.uint8))
    write_records(tmp_path / "records" / "train_images.tfrecords", [record.encode("course")])
    code, out, err = prepare(tmp_path / "records")
    assert (code, err) == (0, "")
    assert out.strip() == f"{tmp_path / 'records'}: holds no DICOM: there is nothing to decode"
    assert not (tmp_path / "cache").exists()


def test_faults_are_one_line_that_names_the_file(prepare, tree, tmp_path, monkeypatch):
    image = sorted(tree.glob("dicoms/*/*.dcm"))[30]
    image.write_bytes(image.read_bytes()[:5000])
    code, out, err = prepare(tree)
    assert (code, out.strip()) == (1, "")
    assert err.startswith(f"keras-lvseg: error: {image}: ")
    assert err.count("\n") == 1
    image.unlink()
    (tmp_path / "file").touch()
    for folder, message in ((tmp_path / "file" / "cache", "cannot be written"), ("", "is set and empty")):
        monkeypatch.setenv("KERAS_LVSEG_CACHE", str(folder))
        code, _, err = prepare(tree)
        assert code == 1
        assert f"{folder or 'KERAS_LVSEG_CACHE'}: {message}" in err
        assert err.count("\n") == 1
