import inspect

import pytest

from keras_lvseg.phantom import write_phantom
from keras_lvseg_cli.phantom import phantom


@pytest.mark.parametrize("tree", [None, "sample", "cardiac-atlas", "challenge"])
def test_phantom_passes_its_options_on(run_command, tree, tmp_path, monkeypatch):
    seen = []

    def write(folder, patients, seed, on_patient, tree):
        seen.append((folder, patients, seed, tree))
        return ()

    monkeypatch.setattr("keras_lvseg.phantom.write_phantom", write)
    code, out, _ = run_command("phantom", tmp_path / "out", "--seed", "4", *(["--tree", tree] if tree else []))
    assert code == 0
    assert seen == [(tmp_path / "out", 3, 4, tree or "sample")]
    assert "0 hearts in" in out


def test_phantom_with_an_unknown_tree_is_wrong_usage(run_command, tmp_path):
    code, _, err = run_command("phantom", tmp_path / "out", "--tree", "mine")
    assert code == 2
    assert "'sample', 'cardiac-atlas', 'challenge'" in err
    assert list(tmp_path.iterdir()) == []


def test_phantom_defaults_are_those_of_write_phantom():
    command, function = (inspect.signature(each).parameters for each in (phantom, write_phantom))
    assert {name: command[name].default for name in ("seed", "tree")} == {
        name: function[name].default for name in ("seed", "tree")
    }
