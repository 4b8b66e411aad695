import csv
import json

import pytest

from keras_lvseg.reporting import write_evaluation


def test_write_evaluation_leaves_scores_and_images_and_replaces_earlier_ones(evaluation, tmp_path):
    files = write_evaluation(evaluation, tmp_path / "evaluation")
    assert sorted((tmp_path / "evaluation").iterdir()) == sorted(vars(files).values())
    with files.images.open(newline="") as file:
        images = list(csv.DictReader(file))
    assert [float(row["dice"]) for row in images] == [image.dice for image in evaluation.scores.images]
    scores = json.loads(files.scores.read_text())
    assert scores["mean_dice"] == evaluation.scores.mean_dice
    with files.challenge_patients.open(newline="") as file:
        (patient,) = csv.DictReader(file)
    assert float(patient["dice_3d"]) == pytest.approx(scores["patients"][0]["pooled_dice"], abs=1e-6)
    assert json.loads(files.challenge.read_text())["patients"][0]["contours"] == len(evaluation.frames)
    write_evaluation(evaluation, tmp_path / "evaluation")
