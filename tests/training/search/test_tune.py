"""Searches on three synthetic patients, in this process and in processes that are killed."""

import csv
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.training import TrainingSettings, read_settings, train, tune
from tests.harness import train_eagerly

optuna = pytest.importorskip("optuna")
pytestmark = pytest.mark.slow

SETTINGS = TrainingSettings(filters=2, crop=24, augmentation="none", epochs=1, flip_tta=False)
SPACE = {"learning_rate": (1e-3, 1e-1), "epochs": (1, 2)}


@pytest.fixture
def dataset(phantom_tree, monkeypatch):
    train_eagerly(monkeypatch)
    splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"], "test": ["PHANTOM0003"]}
    return SAXDataset(phantom_tree, splits=splits, image_size=(40, 40), pixel_spacing=3.0)


def rows(search):
    with search.trials.open(newline="") as file:
        return list(csv.DictReader(file))


def test_tune_best_settings_are_those_of_the_best_trial_and_train_the_same_network(dataset, tmp_path):
    search = tune(dataset, tmp_path / "search", space=SPACE, settings=SETTINGS, trials=3, folds=2, seed=1)
    trials = rows(search)
    assert [row["state"] for row in trials] == ["complete"] * 3  # the median needs five trials
    best = max(trials, key=lambda row: float(row["mean_dice"]))
    settings = read_settings(search.best)
    assert settings.learning_rate == float(best["learning_rate"])
    assert settings.epochs == int(best["epochs"])
    assert settings.filters == 2
    run = search.run(int(best["trial"]), 0)
    roles = run.roles()
    assert set(roles) == {"PHANTOM0001", "PHANTOM0002"}
    splits = {split: [name for name, own in roles.items() if own == split] for split in ("train", "test")}
    other = SAXDataset(dataset.data_dir, splits=splits, image_size=(40, 40), pixel_spacing=3.0)
    again = train(other, tmp_path / "again", settings=settings)
    for weight, due in zip(*(TrainedNetwork.from_run(r).model.get_weights() for r in (again, run)), strict=True):
        np.testing.assert_array_equal(weight, due)
    assert {path.name for path in search.path.glob("*.png")} == {"history.png", "slices.png", "folds.png"}


def test_tune_goes_on_where_it_ended_and_refuses_another_search(dataset, tmp_path):
    options = {"space": SPACE, "settings": SETTINGS, "folds": 2}
    search = tune(dataset, tmp_path / "search", trials=1, **options)
    (first,) = rows(search)
    before = search.run(0, 0).network.stat().st_mtime_ns
    tune(dataset, search.path, trials=2, **options)
    assert rows(search)[0] == first
    assert len(rows(search)) == 2
    assert search.run(0, 0).network.stat().st_mtime_ns == before
    for change, message in (
        ({"space": {"epochs": (1, 3)}}, "has a search with other space"),
        ({"settings": TrainingSettings()}, "has a search with other settings"),
    ):
        with pytest.raises(DataError, match=message):
            tune(dataset, search.path, trials=2, **{**options, **change})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(DataError, match="is not empty"):
        tune(dataset, tmp_path / "mine", trials=1, **options)


def test_tune_training_that_diverges_has_the_worst_dice(dataset, tmp_path):
    space = {"learning_rate": (1e30, 1e32)}
    search = tune(dataset, tmp_path / "search", space=space, settings=SETTINGS, trials=1, folds=2)
    assert [(row["state"], float(row["mean_dice"])) for row in rows(search)] == [("complete", 0.0)]


PROGRAM = """
import functools, sys
import keras
from keras_lvseg.data import SAXDataset
from keras_lvseg.training import TrainingSettings, tune
if keras.backend.backend() == "tensorflow":  # where tracing takes most of so short a training
    keras.Model.compile = functools.partialmethod(keras.Model.compile, run_eagerly=True)
module = sys.modules["keras_lvseg.training.search.tune"]
module._HEARTBEAT, module._GRACE = 1, 10
splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"], "test": ["PHANTOM0003"]}
dataset = SAXDataset(sys.argv[1], splits=splits, image_size=(40, 40), pixel_spacing=3.0)
settings = TrainingSettings(filters=2, crop=24, augmentation="none", epochs=1, flip_tta=False)
space = {"learning_rate": (1e-3, 1e-1), "epochs": (1, 2)}
tune(dataset, sys.argv[2], space=space, settings=settings, trials=6, folds=2)
"""


def test_tune_trial_of_a_process_that_died_before_its_first_sign_of_life_is_made_again(dataset, tmp_path, monkeypatch):
    module = sys.modules["keras_lvseg.training.search.tune"]
    monkeypatch.setattr(module, "_HEARTBEAT", 1)
    monkeypatch.setattr(module, "_GRACE", 3)
    options = {"space": SPACE, "settings": SETTINGS, "trials": 2, "folds": 2}
    search = tune(dataset, tmp_path / "search", **{**options, "trials": 1})
    optuna.load_study(study_name="keras-lvseg", storage=f"sqlite:///{search.storage}").ask()
    tune(dataset, search.path, **options)
    assert [row["state"] for row in rows(search)] == ["complete", "fail", "complete"]


def test_tune_by_two_processes_that_are_killed_finishes_all_trials(phantom_tree, tmp_path):
    out = tmp_path / "search"

    def start():
        return subprocess.Popen([sys.executable, "-c", PROGRAM, str(phantom_tree), str(out)], stderr=subprocess.PIPE)

    processes = [start(), start()]
    for victim in (0, 1):
        while not any(out.glob("trial_*/fold_*/settings.toml")):
            time.sleep(0.1)
        time.sleep(1)
        processes[victim].kill()
        assert processes[victim].wait() == -signal.SIGKILL
        processes[victim].stderr.close()
        processes[victim] = start()
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    study = optuna.load_study(study_name="keras-lvseg", storage=f"sqlite:///{out / 'search.db'}")
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") + states.count("PRUNED") == 6
    assert not {"RUNNING", "WAITING"} & set(states)
    assert 1 <= states.count("FAIL") <= 4
