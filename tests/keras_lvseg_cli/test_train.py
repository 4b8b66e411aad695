"""`train` and `evaluate` on the smallest data that there is: what the options do, not what a network learns."""

import dataclasses
import inspect
import json
import shutil
from typing import get_args, get_type_hints

import pytest

from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE
from keras_lvseg.training import RunFolder
from keras_lvseg.training.settings import AugmentationName, LossName, ModelName, TrainingSettings, recipe_grid
from keras_lvseg_cli.app import run
from keras_lvseg_cli.segment import segment
from keras_lvseg_cli.train import train
from tests.png_tree import write_png_tree

OPTIONS = (
    "--epochs=1",
    "--filters=2",
    "--image-size=32",
    "--batch-size=4",
    "--test=P2",
    "--labels-include-outline",
    "--resume",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_png_tree(tmp_path_factory.mktemp("pictures") / "tree")


@pytest.fixture(scope="module")
def finished(pictures, tmp_path_factory):
    """A run that is over, begun with --resume in a folder that was not there."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit, match="0"):
        run(["train", str(pictures), str(folder), *OPTIONS])
    return folder


@pytest.fixture
def asked_for(monkeypatch):
    """What training was asked for; none is done."""
    asked = []

    def note(dataset, folder, settings, console, resume):
        asked.append((dataset.info, settings, resume))
        return RunFolder(folder)

    monkeypatch.setattr("keras_lvseg.training.train", note)
    return asked


def test_the_recipe_is_what_is_done_where_nothing_is_asked_for(run_command, pictures, tmp_path, asked_for):
    code, _, err = run_command("train", pictures, tmp_path / "run")
    assert (code, err) == (0, "")
    ((data, settings, resume),) = asked_for
    assert settings == TrainingSettings()
    assert (data["image_size"], data["pixel_spacing"], data["intensity"]) == ([144, 144], 1.5, "zscore")
    assert (data["labels_include_outline"], resume) == (False, False)


def test_the_course_s_networks_see_the_image_s_own_pixels(run_command, pictures, tmp_path, asked_for):
    assert run_command("train", pictures, tmp_path / "run", "--model=fcn")[0] == 0
    ((data, settings, _),) = asked_for
    assert (settings.model, data["image_size"], data["pixel_spacing"]) == ("fcn", [256, 256], None)


def test_options_reach_the_training(run_command, pictures, tmp_path, asked_for):
    knobs = ["--loss=ce", "--augmentation=plain", "--crop=24", "--phantoms=2", "--filters=4", "--seed=3"]
    data_knobs = ["--image-size=48", "--pixel-spacing=1.2", "--labels-include-outline", "--test=P1"]
    assert run_command("train", pictures, tmp_path / "run", *knobs, *data_knobs, "--resume")[0] == 0
    ((data, settings, resume),) = asked_for
    due = TrainingSettings(loss="ce", augmentation="plain", crop=24, phantoms=2, filters=4, seed=3)
    assert (settings, resume) == (due, True)
    assert (data["image_size"], data["pixel_spacing"], data["labels_include_outline"]) == ([48, 48], 1.2, True)
    assert data["splits"]["test"]["patients"] == ["P1"]


def test_a_run_is_scored_against_labels_as_given_or_repaired(run_command, pictures, finished, tmp_path):
    assert json.loads((finished / "settings.json").read_text())["data"]["labels_include_outline"] is True
    run = shutil.copytree(finished, tmp_path / "run")
    areas = {}
    for options in ((), ("--labels-include-outline",)):
        code, _, err = run_command("evaluate", run, pictures, *options)
        assert (code, err) == (0, "")
        contours = json.loads((run / "evaluation" / "challenge.json").read_text())["contours"]
        assert {contour["patient_id"] for contour in contours} == {"P2"}
        areas[options] = [contour["manual_mm2"] for contour in contours]
    given, repaired = areas.values()
    assert len(given) == 4
    assert all(smaller < larger for smaller, larger in zip(repaired, given, strict=True))


def test_a_finished_run_is_left_as_it_is_by_resume_and_only_by_it(run_command, pictures, finished):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*.*") if path.name != "split.json"}
    names = {"model.keras", "network.json", "network.npz", "settings.json", "history.csv", "curves.png"}
    assert {path.name for path in before} == names
    code, out, err = run_command("train", pictures, finished, *OPTIONS)
    assert (code, err) == (0, "")
    assert str(finished / "model.keras") in out
    for options, words in (
        ((*OPTIONS, "--seed=1"), "was begun with another seed; expected 0, got 1"),
        (OPTIONS[:-1], "not empty"),
    ):
        code, _, err = run_command("train", pictures, finished, *options)
        assert (code, err.count("\n")) == (1, 1)
        assert words in err
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_labels_of_contours_cannot_be_repaired(run_command, phantom_tree, tmp_path):
    code, _, err = run_command("train", phantom_tree, tmp_path / "run", "--labels-include-outline")
    assert (code, err.count("\n")) == (1, 1)
    assert str(phantom_tree) in err
    assert not (tmp_path / "run").exists()


def test_train_shows_the_defaults_and_choices_of_the_settings():
    options = inspect.signature(train, eval_str=True).parameters
    defaults = {field.name: field.default for field in dataclasses.fields(TrainingSettings)}
    shared = options.keys() & defaults.keys()
    assert shared == defaults.keys() - {"decay_rate", "decay_steps", "weight_decay", "flip_tta", "postprocess", "dtype"}
    assert {name: options[name].default for name in shared} == {name: defaults[name] for name in shared}
    choices = {"model": ModelName, "loss": LossName, "augmentation": AugmentationName}
    assert {name: options[name].annotation for name in choices} == choices


@pytest.mark.parametrize(
    ("option", "unit"), [("image_size", "{0} for a U-Net, else {1}"), ("pixel_spacing", "{0} for")]
)
def test_train_shows_the_grid_of_the_recipe(option, unit):
    (_, described) = get_args(get_type_hints(train, include_extras=True)[option])
    unet, other = (recipe_grid(model).get(option) for model in ("unet", "fcn"))
    assert unit.format(*(value[0] if isinstance(value, tuple) else value for value in (unet, other))) in described.help


@pytest.mark.parametrize("command", [train, segment])
def test_pixel_spacing_has_the_range_of_the_package(command):
    (_, described) = get_args(get_type_hints(command, include_extras=True)["pixel_spacing"])
    assert (described.min, described.max) == PIXEL_SPACING_RANGE


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--augmentation=wild"], ["--augmentation", "wild", "full"]),
        (["--loss=dice"], ["--loss", "dice_ce"]),
        (["--crop=0"], ["--crop"]),
        (["--phantoms=-1"], ["--phantoms"]),
        (["--pixel-spacing=20"], ["--pixel-spacing"]),
        (["--image-size=0"], ["--image-size"]),
        (["--no-augment"], ["No such option"]),
    ],
)
def test_wrong_options_are_one_line_and_2(run_command, pictures, tmp_path, options, words):
    code, _, err = run_command("train", pictures, tmp_path / "run", *options)
    assert (code, err.count("\n")) == (2, 1)
    assert all(word in err for word in words)
    assert not (tmp_path / "run").exists()
