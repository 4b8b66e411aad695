import pytest

from keras_lvseg_cli import main


@pytest.mark.parametrize("tree", [None, "sample", "cardiac-atlas", "challenge"])
def test_the_tree_is_handed_on(tree, tmp_path, monkeypatch, capsys):
    seen = []

    def write(folder, patients, seed, on_patient, tree):
        seen.append((folder, patients, seed, tree))
        return ()

    monkeypatch.setattr("keras_lvseg.phantom.write_phantom", write)
    with pytest.raises(SystemExit) as left:
        main(["phantom", str(tmp_path / "out"), "--seed", "4", *(["--tree", tree] if tree else [])])
    assert left.value.code == 0
    assert seen == [(tmp_path / "out", 3, 4, tree or "sample")]
    assert "0 hearts in" in capsys.readouterr().out


def test_a_tree_that_nobody_knows_is_wrong_usage(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["phantom", str(tmp_path / "out"), "--tree", "mine"])
    assert left.value.code == 2
    assert "'sample', 'cardiac-atlas', 'challenge'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
