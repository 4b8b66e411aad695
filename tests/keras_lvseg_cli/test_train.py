"""`train` and `evaluate` on the smallest data that there is: what the options do, not what a network learns."""

import json
import shutil

import pytest

from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg_cli import main
from tests.png_tree import write_picture_tree

OPTIONS = (
    "--epochs=1",
    "--filters=2",
    "--image-size=32",
    "--batch-size=4",
    "--test=P2",
    "--labels-include-outline",
    "--resume",
)


@pytest.fixture
def run_command(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments)])
        return left.value.code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_picture_tree(tmp_path_factory.mktemp("pictures") / "tree")


@pytest.fixture(scope="module")
def finished(pictures, tmp_path_factory):
    """A run that is over, begun with --resume in a folder that was not there."""
    run = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit, match="0"):
        main(["train", str(pictures), str(run), *OPTIONS])
    return run


@pytest.fixture
def asked_for(monkeypatch):
    """What training was asked for; none is done."""
    asked = []

    def note(dataset, folder, settings, console, resume):
        asked.append((dataset.info, settings, resume))
        return RunFolder(folder)

    monkeypatch.setattr("keras_lvseg.training.train.train", note)
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
    for option in ("--no-labels-include-outline", "--labels-include-outline"):
        code, _, err = run_command("evaluate", run, pictures, option)
        assert (code, err) == (0, "")
        contours = json.loads((run / "evaluation" / "challenge.json").read_text())["contours"]
        assert {contour["patient_id"] for contour in contours} == {"P2"}
        areas[option] = [contour["manual_mm2"] for contour in contours]
    given, repaired = areas.values()
    assert len(given) == 4
    assert all(smaller < larger for smaller, larger in zip(repaired, given, strict=True))


def test_a_finished_run_is_left_as_it_is_by_resume_and_only_by_it(run_command, pictures, finished):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*.*") if path.suffix != ".json"}
    assert {path.name for path in before} == {"model.keras", "history.csv", "curves.png"}
    code, out, err = run_command("train", pictures, finished, *OPTIONS)
    assert (code, err) == (0, "")
    assert str(finished / "model.keras") in out
    for options, words in (
        ((*OPTIONS, "--seed=1"), "was begun with seed=0, and 1 was asked for"),
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--augmentation=wild"], ["--augmentation", "wild", "full"]),
        (["--loss=dice"], ["--loss", "dice_ce"]),
        (["--crop=0"], ["crop has to be above 0"]),
        (["--phantoms=-1"], ["phantoms has to be 0 or more"]),
        (["--image-size=0"], ["--image-size"]),
        (["--no-augment"], ["No such option"]),
    ],
)
def test_wrong_options_are_one_line_and_2(run_command, pictures, tmp_path, options, words):
    code, _, err = run_command("train", pictures, tmp_path / "run", *options)
    assert (code, err.count("\n")) == (2, 1)
    assert all(word in err for word in words)
    assert not (tmp_path / "run").exists()
