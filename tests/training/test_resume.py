"""Training runs that are killed and resumed, as processes of their own."""

import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.models.build import load_network
from keras_lvseg.training import RunFolder, TrainingSettings, train

pytestmark = pytest.mark.slow

OPTIONS = {"epochs": 6, "filters": 2, "crop": 24, "batch_size": 4, "seed": 3}
SPLITS = {"train": ("PHANTOM0001", "PHANTOM0002"), "test": ("PHANTOM0003",)}


def dataset(tree):
    return SAXDataset(tree, splits=SPLITS, image_size=(40, 40), pixel_spacing=1.5)


def weights(run):
    return load_network(run.network)[0].get_weights()


def assert_same(run, other):
    for weight, due in zip(weights(run), weights(other), strict=True):
        np.testing.assert_array_equal(weight, due)
    assert run.history.read_bytes() == other.history.read_bytes()


@pytest.fixture(scope="module")
def unbroken(phantom_tree, tmp_path_factory):
    return train(
        dataset(phantom_tree), tmp_path_factory.mktemp("run") / "unbroken", settings=TrainingSettings(**OPTIONS)
    )


def start(tree, folder):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    options += ["--image-size=40", "--test=PHANTOM0003", "--resume"]
    command = [sys.executable, "-m", "keras_lvseg_cli", "train", str(tree), str(folder), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_train_same_seed_gives_the_same_weights(phantom_tree, tmp_path, unbroken):
    assert_same(train(dataset(phantom_tree), tmp_path / "again", settings=TrainingSettings(**OPTIONS)), unbroken)
    other = train(dataset(phantom_tree), tmp_path / "other", settings=TrainingSettings(**{**OPTIONS, "seed": 4}))
    assert any(not np.array_equal(a, b) for a, b in zip(weights(other), weights(unbroken), strict=True))


def test_train_killed_and_resumed_gives_the_weights_of_an_uninterrupted_run(phantom_tree, tmp_path, unbroken):
    run = RunFolder(tmp_path / "killed")
    killed_after = []
    for wait in (0.0, 0.3):  # after the first checkpoint of the process: at once, and somewhere behind
        before = run.checkpoint.stat().st_mtime_ns if run.checkpoint.exists() else 0
        process = start(phantom_tree, run.path)
        while process.poll() is None:
            if run.checkpoint.exists() and run.checkpoint.stat().st_mtime_ns != before:
                time.sleep(wait)
                break
            time.sleep(0.005)
        assert process.poll() is None, process.communicate()[1]
        process.kill()
        process.communicate()
        assert not run.network.exists(), "it was over before it could be killed"
        killed_after.append(len(run.history.read_text().splitlines()) - 1)
    assert 0 < killed_after[0] < killed_after[1] < OPTIONS["epochs"] + 1
    process = start(phantom_tree, run.path)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert_same(run, unbroken)
    assert not run.checkpoint.exists()
    assert not list(run.path.glob(".*"))


def test_train_resumed_with_longer_history_continues_from_the_checkpoint(phantom_tree, tmp_path, unbroken, monkeypatch):
    """The state after a kill between writing the history and writing the checkpoint."""

    class Killed(Exception):
        pass

    from keras_lvseg.training.callbacks import Checkpoint

    save = Checkpoint.on_epoch_end

    def killed(self, epoch, logs=None):
        if epoch == 2:
            raise Killed
        save(self, epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Checkpoint, "on_epoch_end", killed)
        train(dataset(phantom_tree), tmp_path / "run", settings=TrainingSettings(**OPTIONS))
    run = RunFolder(tmp_path / "run")
    assert len(run.history.read_text().splitlines()) == 1 + 3
    assert int(run.load_checkpoint().optimizer.iterations) * 3 == 2 * 3 * steps(phantom_tree)
    assert_same(train(dataset(phantom_tree), run.path, settings=TrainingSettings(**OPTIONS), resume=True), unbroken)


def steps(tree):
    return len(dataset(tree).labelled_frames("train")) // OPTIONS["batch_size"]


def test_train_resumed_finished_run_is_unchanged(phantom_tree, unbroken):
    before = unbroken.model.stat().st_mtime_ns
    assert train(dataset(phantom_tree), unbroken.path, settings=TrainingSettings(**OPTIONS), resume=True) == unbroken
    assert unbroken.model.stat().st_mtime_ns == before


def test_train_resumed_with_other_settings_or_patients_is_one_line(phantom_tree, unbroken):
    with pytest.raises(DataError, match="was begun with another seed; expected 3, got 5; resume with the same"):
        train(dataset(phantom_tree), unbroken.path, settings=TrainingSettings(**{**OPTIONS, "seed": 5}), resume=True)
    others = SAXDataset(phantom_tree, splits={"train": ("PHANTOM0001",)}, image_size=(40, 40), pixel_spacing=1.5)
    with pytest.raises(DataError, match="was begun with other patients"):
        train(others, unbroken.path, settings=TrainingSettings(**OPTIONS), resume=True)


def test_train_into_existing_run_without_resume_is_one_line(phantom_tree, unbroken):
    with pytest.raises(DataError, match="not empty"):
        train(dataset(phantom_tree), unbroken.path, settings=TrainingSettings(**OPTIONS))


def test_train_resumed_in_other_folder_is_one_line(phantom_tree, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        train(dataset(phantom_tree), tmp_path, settings=TrainingSettings(**OPTIONS), resume=True)


def test_train_resumed_with_fewer_contours_is_one_line(phantom_tree, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    run = train(dataset(tree), tmp_path / "run", settings=TrainingSettings(**{**OPTIONS, "epochs": 1}))
    settings = run.settings.read_bytes()
    for contour in sorted(tree.glob("contourfiles/*1/i-contours/*.txt"))[::2]:
        contour.unlink()
    with pytest.raises(DataError, match="was begun with another labelled_frames; expected"):
        train(dataset(tree), run.path, settings=TrainingSettings(**{**OPTIONS, "epochs": 1}), resume=True)
    assert run.settings.read_bytes() == settings


def test_train_resumed_deletes_leftover_files(phantom_tree, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    (run.path / ".data.host-123.json").write_text("{")  # killed within the very first write
    train(dataset(phantom_tree), run.path, settings=TrainingSettings(**{**OPTIONS, "epochs": 1}), resume=True)
    (run.path / ".model.host-99.keras").write_bytes(b"half")  # killed between the network's writing and the end
    run.checkpoint.write_bytes(b"old")
    train(dataset(phantom_tree), run.path, settings=TrainingSettings(**{**OPTIONS, "epochs": 1}), resume=True)
    assert not list(run.path.glob(".*"))
    assert not run.checkpoint.exists()
