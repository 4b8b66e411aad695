"""The option `--label`, on labelled NIfTI with the numbers of the ACDC challenge."""

import csv
import json

import pytest

from keras_lvseg.training import RunFolder
from tests.inference.planted import write_planted_run
from tests.nifti_tree import VALUES, write_nifti_tree
from tests.small_tree import write_small_tree

LABELS = ("--label", "cavity=3", "--label", "myocardium=2")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_nifti_tree(tmp_path_factory.mktemp("labelled") / "tree")


def test_train_with_label_reads_these_values(run_command, tree, tmp_path, monkeypatch):
    infos = []

    def record(dataset, folder, **options):
        infos.append(dataset.info)
        return RunFolder(folder)

    monkeypatch.setattr("keras_lvseg.training.train", record)
    code, _, err = run_command("train", tree, tmp_path / "run", "--test=patient002", *LABELS)
    assert (code, err) == (0, "")
    assert infos[0]["label_values"] == VALUES


@pytest.mark.slow
def test_evaluate_with_label_prints_and_writes_the_scores_of_both_structures(run_command, tree, tmp_path):
    run = write_planted_run(tmp_path / "run", 180.0, wall=80.0, postprocess=True)
    code, out, err = run_command("evaluate", run, tree, *LABELS)
    assert (code, err) == (0, "")
    assert out.index("cavity, native grid") < out.index("myocardium, native grid")
    scores = json.loads((run / "evaluation" / "scores.json").read_text())
    assert scores["mean_dice"] > 0.99
    assert scores["myocardium"]["mean_dice"] > 0.9
    with (run / "evaluation" / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["dice"]) for row in rows] == [image["dice"] for image in scores["images"]]
    wall = [image["dice"] for image in scores["myocardium"]["images"]]
    assert [float(row["myocardium_dice"]) for row in rows] == wall


def test_audit_with_label_counts_the_contours_of_these_values(run_command, tree):
    code, out, _ = run_command("audit", tree, *LABELS, "--json")
    assert json.loads(out)["contours"] == 2 * 2 * 2 * 2  # patients, phases, slices, borders
    assert code in (0, 1)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["cavity"], ["--label", "NAME=VALUE", "'cavity'"]),
        (["cavity=three"], ["--label", "NAME=VALUE"]),
        (["=3"], ["--label", "NAME=VALUE"]),
        (["cavity=-1"], ["--label", "NAME=VALUE"]),
        (["cavity=3", "cavity=2"], ["--label", "a name given once"]),
        (["cavity=3"], ["'cavity' and 'myocardium'"]),
        (["cavity=3", "myocardium=256"], ["1 to 255"]),
        (["cavity=3", "blood=2"], ["'cavity' and 'myocardium'"]),
    ],
)
@pytest.mark.parametrize("command", ["audit", "train", "evaluate"])
def test_wrong_label_is_one_line_and_2(run_command, tree, tmp_path, command, labels, words):
    options = [option for label in labels for option in ("--label", label)]
    if command == "evaluate":
        places = [write_planted_run(tmp_path / "run", 180.0), tree]
    else:
        places = [tree] if command == "audit" else [tree, tmp_path / "run"]
    code, out, err = run_command(command, *places, *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert all(word in err for word in words)


def test_label_for_a_tree_without_labelled_nifti_is_one_line_and_1(run_command, tmp_path):
    code, _, err = run_command("audit", write_small_tree(tmp_path, {"P1": "O1"}), *LABELS)
    assert (code, err.count("\n")) == (1, 1)
    assert "has no label NIfTI" in err
