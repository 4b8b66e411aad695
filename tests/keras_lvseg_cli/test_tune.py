"""The options of `tune`, on a tree of small PNG files."""

import inspect

import pytest

from keras_lvseg.training import SearchFolder, TrainingSettings, tune
from keras_lvseg_cli import tune as command
from tests.png_tree import write_png_tree

DEFAULTS = inspect.signature(tune).parameters


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_png_tree(tmp_path_factory.mktemp("images") / "tree")


@pytest.fixture
def recorded(monkeypatch):
    """Record the arguments of `tune` in place of a search."""
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: name)
    calls = []

    def record(dataset, folder, **options):
        calls.append((dataset.info, options))
        return SearchFolder(folder)

    monkeypatch.setattr("keras_lvseg.training.tune", record)
    return calls


def test_tune_without_options_has_the_defaults_of_the_function(run_command, images, tmp_path, recorded):
    code, out, err = run_command("tune", images, tmp_path / "search", "--test=P2")
    assert (code, err) == (0, "")
    assert str(tmp_path / "search" / "best.toml") in out
    ((data, options),) = recorded
    assert options.pop("console")
    assert options == {
        "settings": TrainingSettings(),
        **{name: DEFAULTS[name].default for name in ("space", "trials", "folds", "seed")},
    }
    assert data["splits"]["test"]["patients"] == ["P2"]
    assert (data["image_size"], data["pixel_spacing"]) == ([144, 144], 1.5)


def test_tune_reads_space_and_settings(run_command, images, tmp_path, recorded):
    (tmp_path / "space.toml").write_text("epochs = [1, 2]")
    (tmp_path / "settings.toml").write_text('model = "fcn"')
    files = [f"--{name}={tmp_path / name}.toml" for name in ("space", "settings")]
    assert run_command("tune", images, tmp_path / "search", *files, "--trials=7", "--folds=2", "--seed=3")[0] == 0
    ((data, options),) = recorded
    assert (options["space"], options["settings"]) == ({"epochs": [1, 2]}, TrainingSettings(model="fcn"))
    assert (options["trials"], options["folds"], options["seed"]) == (7, 2, 3)
    assert (data["image_size"], data["pixel_spacing"]) == ([256, 256], None)


def test_tune_without_the_extra_is_one_line(run_command, images, tmp_path, monkeypatch):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    code, _, err = run_command("tune", images, tmp_path / "search")
    assert (code, err.count("\n")) == (2, 1)
    assert "needs the extra 'tune': pip install 'keras-lvseg[tune]'" in err
    assert not (tmp_path / "search").exists()
