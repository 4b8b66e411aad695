import json
import shutil
import sys
import tomllib
import warnings
from functools import partial

import pytest

from keras_lvseg.phantom import write_phantom
from tests.harness import train_eagerly
from tests.inference.planted import write_planted_run
from tests.png_tree import write_png_tree


@pytest.fixture
def run(tmp_path):
    """A finished run."""
    return write_planted_run(tmp_path / "finished", 100.0)


def assert_one_line(err, *words):
    assert err.startswith("keras-lvseg: error: ")
    assert err.count("\n") == 1
    for word in words:
        assert str(word) in err


def test_phantom_writes_hearts_and_their_volumes(run_command, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_lvseg.phantom.write_phantom", partial(write_phantom, frames="contoured"))
    code, out, err = run_command("phantom", tmp_path / "hearts", "--patients", "1", "--seed", "3")
    assert (code, err) == (0, "")
    assert "1 hearts in" in out
    truth = json.loads((tmp_path / "hearts" / "phantom.json").read_text())
    (patient,) = truth["patients"]
    images = list((tmp_path / "hearts" / "dicoms" / patient["patient_id"]).glob("*.dcm"))
    assert len(images) == len(patient["ed_slices"]) + len(patient["es_slices"])


@pytest.mark.slow
def test_train_and_evaluate_write_a_run_and_its_scores(run_command, tmp_path, monkeypatch):
    train_eagerly(monkeypatch)
    tree = write_png_tree(tmp_path / "tree")
    run = tmp_path / "run"
    knobs = ["--learning-rate", "0.01", "--decay", "0.5", "4", "--epochs", "2"]
    knobs += ["--batch-size", "8", "--seed", "1", "--image-size", "48", "--filters", "2"]
    knobs += ["--augmentation", "none"]
    code, out, err = run_command("train", tree, run, *knobs, "--test", "P2")
    assert (code, err) == (0, "")
    assert "train: P1" in out
    assert "test: P2" in out
    training = tomllib.loads((run / "settings.toml").read_text())
    assert training == {
        "model": "unet",
        "loss": "dice_ce",
        "learning_rate": 0.01,
        "decay_rate": 0.5,
        "decay_steps": 4,
        "weight_decay": 0.0,
        "epochs": 2,
        "batch_size": 8,
        "seed": 1,
        "filters": 2,
        "augmentation": "none",
        "crop": 96,
        "phantoms": 0,
        "flip_tta": True,
        "postprocess": True,
    }
    assert {path.name for path in run.iterdir()} == {
        "curves.png",
        "data.json",
        "history.csv",
        "logs",
        "model.keras",
        "network.json",
        "network.npz",
        "settings.toml",
        "split.json",
    }
    code, out, err = run_command("evaluate", run, tree)
    assert (code, err) == (0, "")
    assert "P2" in out
    assert "P1" not in out
    scores = json.loads((run / "evaluation" / "scores.json").read_text())
    assert f"{scores['mean_dice']:.3f}" in out
    assert (run / "evaluation" / "contact_sheet.png").is_file()
    code, out, _ = run_command("evaluate", run, tree, "--seen")
    assert code == 0
    assert "P1" in out


def faults(tree, tmp_path):
    """Return by fault: a function that plants it, and the words that the error must hold."""
    contour = sorted(tree.glob("contourfiles/*/i-contours/*.txt"))[3]
    image = sorted(tree.glob("dicoms/PHANTOM0002/*.dcm"))[4]
    return {
        "an empty folder": (lambda: make_empty(tree), [tree, "has no known layout", "link.csv"]),
        "a folder of JPEGs": (lambda: fill_with_jpegs(tree), [tree, "has no known layout"]),
        "a truncated DICOM": (lambda: image.write_bytes(image.read_bytes()[:5000]), [image]),
        "a contour with letters in it": (
            lambda: contour.write_text("1 1\n2 b\n"),
            [contour, "is malformed in line 2", "got '2 b'"],
        ),
        "a contour whose frame is missing": (
            lambda: contour.rename(contour.with_name("IM-0001-9999-icontour-manual.txt")),
            [contour.with_name("IM-0001-9999-icontour-manual.txt"), "is the contour of frame 9999"],
        ),
        "a link.csv that points outside": (
            lambda: (tree / "link.csv").write_text("patient_id,original_id\n../PHANTOM0001,PH-01\n"),
            [tree / "link.csv", "'../PHANTOM0001'"],
        ),
    }


def make_empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def fill_with_jpegs(folder):
    make_empty(folder)
    for i in range(3):
        (folder / f"{i}.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100))


@pytest.mark.parametrize(
    "fault",
    [
        "an empty folder",
        "a folder of JPEGs",
        "a truncated DICOM",
        "a contour with letters in it",
        "a contour whose frame is missing",
        "a link.csv that points outside",
    ],
)
def test_train_and_evaluate_with_faulty_data_print_one_line_and_write_nothing(run_command, run, tree, tmp_path, fault):
    plant, words = faults(tree, tmp_path)[fault]
    plant()
    for command in (["train", tree, tmp_path / "run", "--epochs", "1"], ["evaluate", run, tree, "--seen"]):
        code, _, err = run_command(*command)
        assert code == 1
        assert_one_line(err, *words)
    assert not (tmp_path / "run").exists()
    assert not (run / "evaluation").exists()


def test_train_on_a_missing_folder_prints_one_line(run_command, tmp_path):
    code, _, err = run_command("train", tmp_path / "absent", tmp_path / "run")
    assert code == 1
    assert_one_line(err, tmp_path / "absent", "does not exist")


def test_evaluate_of_the_bundled_weights_writes_a_folder_of_their_name(run_command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_command("evaluate", "sax-lv", write_png_tree(tmp_path / "tree", (1, 8)))
    assert (code, err) == (0, "")
    assert "P1" in out
    assert (tmp_path / "sax-lv-evaluation" / "scores.json").is_file()


@pytest.mark.parametrize("words", [["-h"], ["segment", "-h"]])
def test_h_shows_the_help(run_command, words):
    code, out, _ = run_command(*words)
    assert code == 0
    assert "Usage: keras-lvseg" in out


def test_evaluate_with_a_damaged_network_prints_one_line(run_command, run, tree):
    (run / "network.npz").write_bytes(b"no network")
    code, _, err = run_command("evaluate", run, tree)
    assert code == 1
    assert_one_line(err, run / "network.npz", "has another SHA-256")
    code, _, err = run_command("evaluate", tree, tree)
    assert code == 1
    assert_one_line(err, tree, "is not a finished training run")


@pytest.mark.parametrize("command", [["demo", "OUT"], ["phantom", "OUT"], ["train", "TREE", "OUT", "--epochs", "1"]])
def test_command_with_a_filled_output_folder_leaves_it_alone(run_command, tree, tmp_path, command):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    code, _, err = run_command(*[{"OUT": out, "TREE": tree}.get(word, word) for word in command])
    assert code == 1
    assert_one_line(err, out, "is not empty")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "TREE", "RUN", "--epoch", "3"], ["No such option: --epoch", "--epochs"]),
        (["train", "TREE", "RUN", "--epochs", "three"], ["--epochs", "integer"]),
        (["train", "TREE", "RUN", "--model", "vnet"], ["--model", "vnet", "unet"]),
        (["train", "TREE", "RUN", "--epochs", "0"], ["--epochs"]),
        (["train", "TREE", "RUN", "--decay", "0.5"], ["'--decay' requires 2 arguments"]),
        (["train", "TREE", "RUN", "--decay", "0.5", "0"], ["--decay", "above 0"]),
        (["train", "TREE", "RUN", "--learning-rate", "nan"], ["--learning-rate", "above 0"]),
        (["train", "TREE", "RUN", "--test", "nobody"], ["argument `test`", "PHANTOM0001", "nobody"]),
        (["train", "TREE"], ["Missing argument 'run'"]),
        (["segmnt"], ["No such command", "segmnt"]),
        (["phantom", "OUT", "--patients", "0"], ["--patients"]),
    ],
)
def test_wrong_usage_prints_one_line_and_exits_with_2(run_command, tree, tmp_path, arguments, words):
    places = {"TREE": tree, "RUN": tmp_path / "run", "OUT": tmp_path / "out"}
    code, _, err = run_command(*[places.get(word, word) for word in arguments])
    assert code == 2
    assert_one_line(err, *words)
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "out").exists()


def test_debug_prints_the_traceback_of_an_error(run_command, tmp_path):
    _, _, err = run_command("train", tmp_path / "absent", tmp_path / "run")
    assert "Traceback" not in err
    for words in (["--debug", "train", tmp_path / "absent", "run"], ["train", tmp_path / "absent", "run", "--debug"]):
        code, _, err = run_command(*words)
        assert code == 1
        assert "Traceback" in err


def test_debug_and_warnings_show_control_characters_of_names_escaped(run_command, monkeypatch):
    def fail(*_, **__):
        warnings.warn_explicit("no names in a\x1b[2J\nkeras-lvseg: done", UserWarning, "audit.py", 1)
        raise OSError(2, "No such file", "b\x1b[2J")

    monkeypatch.setattr("keras_lvseg.audit.audit_tree", fail)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show_warning)
        _, out, err = run_command("--debug", "audit", "folder")
    assert "\x1b" not in out + err
    assert err.splitlines()[0] == r"keras-lvseg: warning: no names in a\x1b[2J\nkeras-lvseg: done"


def show_warning(message, category, filename, lineno, file=None, line=None):
    """Show a warning as Python does; pytest records warnings instead."""
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OSError(2, "No such file", "a\x1b[2J\u202eb\n  c.dcm"), 1, r"a\x1b[2J\u202eb\n  c.dcm: No such file"),
        (OSError(28, "No space left on device"), 1, "the output cannot be written (No space left on device)"),
        (OSError(2, "No such file", "caf\u00e9.dcm"), 1, "caf\u00e9.dcm: No such file"),
        (ValueError("Invalid value\n  for argument"), 2, "Invalid value for argument"),
        (ZeroDivisionError("by zero"), 70, "ZeroDivisionError: by zero; this is a bug"),
    ],
)
def test_error_of_a_command_is_one_line_with_control_characters_escaped(run_command, monkeypatch, error, code, line):
    monkeypatch.setattr("keras_lvseg.audit.audit_tree", lambda *_, **__: (_ for _ in ()).throw(error))
    exit_code, out, err = run_command("audit", "folder")
    assert (exit_code, out, err.count("\n")) == (code, "", 1)
    assert err.startswith(f"keras-lvseg: error: {line}")
