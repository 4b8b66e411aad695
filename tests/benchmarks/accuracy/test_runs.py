import dataclasses
import json
import math

import numpy as np
import pytest

from benchmarks.accuracy import runs
from benchmarks.accuracy.runs import FOLDS, HEADINGS, Job, by_group, cells, run_jobs, summary
from keras_lvseg.training import TrainingSettings
from tests.png_tree import write_png, write_table

GROUPS = {"SC-HF-I": 4, "SC-HF-NI": 4, "SC-HYP": 4, "SC-N": 3}  # as in the challenge's training part


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    originals = [f"{group}-{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1)]
    rows = [
        {"patient_id": f"P{i:02}", "original_id": original, "pixel_spacing_mm": 1.5, "slice_spacing_mm": 8}
        for i, original in enumerate(originals)
    ]
    write_table(root, rows)
    for row in rows:
        write_png(root / "images" / f"{row['patient_id']}-0001.png", np.arange(64, dtype=np.uint8).reshape(8, 8))
    return root


def contour(patient, dice, apd):
    """An image of 100 mm2 by 100 mm2."""
    place = {"patient_id": patient, "slice": 0, "phase": 0}
    return place | {"apd_mm": apd, "dice": dice, "automatic_mm2": 100.0, "manual_mm2": 100.0, "common_mm2": 100 * dice}


def test_by_group_holds_each_patient_out_once_and_no_group_twice_per_fold(tree):
    folds = by_group(tree)
    assert len(folds) == FOLDS
    assert sorted(name for fold in folds for name in fold) == [f"P{i:02}" for i in range(15)]
    group_of = dict(enumerate(name for name, count in GROUPS.items() for _ in range(count)))
    for fold in folds:
        assert len({group_of[int(name[1:])] for name in fold}) == len(fold) == 3


def test_summary_of_two_patients_gives_hand_computed_figures():
    contours = [contour("A", 0.9, 1.0), contour("A", 0.7, 6.0), contour("B", 0.8, 2.0), contour("B", 0.0, None)]
    figures = summary(contours)
    assert figures["images"] == pytest.approx((0.9 + 0.7 + 0.8 + 0.0) / 4)
    assert figures["patients"] == pytest.approx((0.8 + 0.4) / 2)
    assert figures["worst"] == pytest.approx(0.4)
    assert figures["under"] == 25
    assert figures["good"] == 50
    assert figures["apd"] == pytest.approx((1.0 + 2.0) / 2)
    assert figures["good_dice"] == pytest.approx((0.9 + 0.8) / 2)
    assert len(cells(figures)) == len(HEADINGS)
    assert not any(math.isnan(figure) for figure in figures.values())


def test_run_jobs_with_scores_of_before_trains_the_others_only(tree, tmp_path, monkeypatch):
    jobs = [Job("recipe", fold, TrainingSettings(), {}, {"recipe": (True, True)}) for fold in range(2)]
    jobs[0].folder(tmp_path).mkdir()
    (jobs[0].folder(tmp_path) / "scores.json").write_text('{"recipe": "old"}')
    started = []

    def start(command, check, env):
        job = json.loads(command[-1])
        started.append(job)
        assert env["OMP_NUM_THREADS"] == "1"
        folder = Job(**{**job, "settings": TrainingSettings(**job["settings"])}).folder(tmp_path)
        folder.mkdir()
        (folder / "scores.json").write_text('{"recipe": "new"}')

    monkeypatch.setattr(runs.subprocess, "run", start)
    assert run_jobs(jobs, tree, tmp_path, at_once=1) == [{"recipe": "old"}, {"recipe": "new"}]
    assert started == [json.loads(json.dumps(dataclasses.asdict(jobs[1])))]
