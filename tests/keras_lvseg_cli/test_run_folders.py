"""Damaged and hostile run folders: one line with the file, exit code 1, nothing written."""

import json
import shutil

import pytest

from tests.inference.planted import write_planted_run
from tests.small_tree import write_small_tree


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Return a run and a tree."""
    folder = tmp_path_factory.mktemp("sound")
    run = write_planted_run(folder / "run", 150.0, image_size=(20, 16))
    return run, write_small_tree(folder / "tree", {"P1": "O1"}, slices=1, phases=1)


def data(**values):
    """Return a function that changes values of `data` in the description of a network."""

    def change(path):
        content = json.loads(path.read_text())
        content["data"] |= values
        path.write_text(json.dumps(content))

    return change


def text(content):
    return lambda path: path.write_text(content)


def drop(key):
    def change(path):
        content = json.loads(path.read_text())
        del content[key]
        path.write_text(json.dumps(content))

    return change


FAULTS = [
    ("network.json", data(image_size=5)),
    ("network.json", data(image_size=[200000, 200000])),
    ("network.json", data(contour_origin=float("nan"))),
    ("network.json", data(pixel_spacing=-1)),
    ("network.json", data(intensity="eval")),
    ("network.json", text("[]")),
    ("network.json", text("{")),
    ("network.json", text("[" * 100_000)),
    ("network.json", text(" " * 10_000_001)),
    ("network.json", drop("architecture")),
    ("network.json", drop("data")),
    ("network.npz", lambda path: path.write_bytes(b"PK\x03\x04")),
    ("network.npz", lambda path: path.unlink()),
    ("split.json", text("[]")),
    ("split.json", text('{"train": 3}')),
    ("split.json", text("{")),
    ("split.json", lambda path: path.unlink()),
]


@pytest.mark.parametrize(("file", "change"), FAULTS, ids=[f"{i}-{file}" for i, (file, _) in enumerate(FAULTS)])
def test_run_folder_at_fault_is_one_line_and_1(run_command, sound, tmp_path, file, change):
    run, tree = shutil.copytree(sound[0], tmp_path / "run"), sound[1]
    change(run / file)
    commands = [["evaluate", run, tree]]
    if file != "split.json":
        commands.append(["segment", tree, tmp_path / "out", "--run", run])
    for command in commands:
        code, out, err = run_command(*command)
        assert (code, out.strip(), err.count("\n")) == (1, "", 1)
        assert err.startswith(f"keras-lvseg: error: {run / file}: ")
    assert not (tmp_path / "out").exists()
    assert not (run / "evaluation").exists()


def test_run_folder_that_is_sound_is_scored(run_command, sound, tmp_path):
    run = shutil.copytree(sound[0], tmp_path / "run")
    code, _, err = run_command("evaluate", run, sound[1])
    assert (code, err) == (0, "")
