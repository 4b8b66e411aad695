"""The options of `train` and `evaluate`, on a tree of small PNG files."""

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
from tests.harness import train_eagerly
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
def images(tmp_path_factory):
    return write_png_tree(tmp_path_factory.mktemp("images") / "tree")


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    """A finished run, started with --resume in a missing folder."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit, match="0"):
        train_eagerly(patch)
        run(["train", str(images), str(folder), *OPTIONS])
    return folder


@pytest.fixture
def recorded(monkeypatch):
    """Record the arguments of `train` in place of a training."""
    calls = []

    def record(dataset, folder, settings, console, resume):
        calls.append((dataset.info, settings, resume))
        return RunFolder(folder)

    monkeypatch.setattr("keras_lvseg.training.train", record)
    return calls


def test_train_without_options_follows_the_recipe(run_command, images, tmp_path, recorded):
    code, _, err = run_command("train", images, tmp_path / "run")
    assert (code, err) == (0, "")
    ((data, settings, resume),) = recorded
    assert settings == TrainingSettings()
    assert (data["image_size"], data["pixel_spacing"], data["intensity"]) == ([144, 144], 1.5, "zscore")
    assert (data["labels_include_outline"], resume) == (False, False)


def test_train_of_the_myocardium_takes_partial_labels(run_command, images, tmp_path, recorded):
    assert run_command("train", images, tmp_path / "run", "--target=myocardium", "--empty-slices")[0] == 0
    ((data, _, _),) = recorded
    assert (data["target"], data["partial"], data["empty_slices"]) == ("myocardium", True, True)


def test_train_of_a_course_network_keeps_the_spacing_of_the_images(run_command, images, tmp_path, recorded):
    assert run_command("train", images, tmp_path / "run", "--model=fcn")[0] == 0
    ((data, settings, _),) = recorded
    assert (settings.model, data["image_size"], data["pixel_spacing"]) == ("fcn", [256, 256], None)


def test_train_passes_its_options_on(run_command, images, tmp_path, recorded):
    options = ["--loss=ce", "--augmentation=plain", "--crop=24", "--phantoms=2", "--filters=4", "--seed=3"]
    data_options = ["--image-size=48", "--pixel-spacing=1.2", "--labels-include-outline", "--test=P1"]
    assert run_command("train", images, tmp_path / "run", *options, *data_options, "--resume")[0] == 0
    ((data, settings, resume),) = recorded
    expected = TrainingSettings(loss="ce", augmentation="plain", crop=24, phantoms=2, filters=4, seed=3)
    assert (settings, resume) == (expected, True)
    assert (data["image_size"], data["pixel_spacing"], data["labels_include_outline"]) == ([48, 48], 1.2, True)
    assert data["splits"]["test"]["patients"] == ["P1"]


def test_train_options_beside_a_settings_file_win(run_command, images, tmp_path, recorded):
    file = tmp_path / "settings.toml"
    file.write_text('loss = "ce"\nsteps = 50\nweight_decay = 0.01\nflip_tta = false\n')
    for options in ((), ("--loss=dice_ce", "--epochs=60", "--decay", "0.5", "3")):
        assert run_command("train", images, tmp_path / "run", "--settings", file, *options)[0] == 0
    given, changed = (settings for _, settings, _ in recorded)
    assert given == TrainingSettings(loss="ce", steps=50, weight_decay=0.01, flip_tta=False)
    # --epochs has its default, and replaces the steps of the file all the same
    assert changed == TrainingSettings(weight_decay=0.01, flip_tta=False, decay_rate=0.5, decay_steps=3)


def test_train_with_an_unknown_setting_prints_one_line(run_command, images, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("epoch = 3\n")
    code, _, err = run_command("train", images, tmp_path / "run", "--settings", file)
    assert (code, err) == (1, f"keras-lvseg: error: {file}: has an unknown key 'epoch'; the nearest is 'epochs'\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_evaluate_with_labels_include_outline_scores_smaller_labels(run_command, images, finished, tmp_path):
    assert json.loads((finished / "data.json").read_text())["labels_include_outline"] is True
    run = shutil.copytree(finished, tmp_path / "run")
    areas = {}
    for options in ((), ("--labels-include-outline",)):
        code, _, err = run_command("evaluate", run, images, *options)
        assert (code, err) == (0, "")
        contours = json.loads((run / "evaluation" / "challenge.json").read_text())["contours"]
        assert {contour["patient_id"] for contour in contours} == {"P2"}
        areas[options] = [contour["manual_mm2"] for contour in contours]
    given, without_outline = areas.values()
    assert len(given) == 4
    assert all(smaller < larger for smaller, larger in zip(without_outline, given, strict=True))


def test_train_with_resume_leaves_a_finished_run_as_it_is(run_command, images, finished):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*.*") if path.name != "split.json"}
    names = {"model.keras", "network.json", "network.npz", "settings.toml", "data.json", "history.csv", "curves.png"}
    assert {path.name for path in before} == names
    code, out, err = run_command("train", images, finished, *OPTIONS)
    assert (code, err) == (0, "")
    assert str(finished / "model.keras") in out
    for options, words in (
        ((*OPTIONS, "--seed=1"), "was begun with another seed; expected 0, got 1"),
        (OPTIONS[:-1], "not empty"),
    ):
        code, _, err = run_command("train", images, finished, *options)
        assert (code, err.count("\n")) == (1, 1)
        assert words in err
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_train_on_contours_with_labels_include_outline_prints_one_line(run_command, phantom_tree, tmp_path):
    code, _, err = run_command("train", phantom_tree, tmp_path / "run", "--labels-include-outline")
    assert (code, err.count("\n")) == (1, 1)
    assert str(phantom_tree) in err
    assert not (tmp_path / "run").exists()


def test_train_has_the_defaults_and_choices_of_the_settings():
    options = inspect.signature(train, eval_str=True).parameters
    defaults = {field.name: field.default for field in dataclasses.fields(TrainingSettings)}
    shared = options.keys() & defaults.keys()
    assert shared == defaults.keys() - {"decay_rate", "decay_steps", "weight_decay", "flip_tta", "postprocess", "dtype"}
    assert {name: options[name].default for name in shared} == {name: defaults[name] for name in shared}
    choices = {"model": ModelName, "loss": LossName, "augmentation": AugmentationName}
    assert {name: get_args(options[name].annotation)[0] for name in choices} == choices


@pytest.mark.parametrize(
    ("option", "unit"), [("image_size", "{0} for a U-Net, else {1}"), ("pixel_spacing", "{0} for")]
)
def test_train_help_has_the_grid_of_the_recipe(option, unit):
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
def test_train_with_a_wrong_option_prints_one_line_and_exits_with_2(run_command, images, tmp_path, options, words):
    code, _, err = run_command("train", images, tmp_path / "run", *options)
    assert (code, err.count("\n")) == (2, 1)
    assert all(word in err for word in words)
    assert not (tmp_path / "run").exists()
