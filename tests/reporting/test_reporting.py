import csv
import io
import json
import re

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console

from keras_lvseg.reporting.contact_sheet import write_contact_sheet
from keras_lvseg.reporting.evaluation_files import write_evaluation
from keras_lvseg.reporting.html_report import write_page
from keras_lvseg.reporting.score_tables import challenge_table, score_rows, score_table
from keras_lvseg.reporting.training_curves import write_curves
from keras_lvseg.training import evaluate_run


@pytest.fixture(scope="module")
def evaluation(small_run, phantom_tree):
    return evaluate_run(small_run, phantom_tree)


def colours(path):
    """How many pixels are clearly red and clearly green."""
    red, green, _ = np.moveaxis(imread(path)[..., :3], -1, 0)
    return (red - green > 0.3).sum(), (green - red > 0.3).sum()


def test_the_sheet_shows_labels_in_green_and_predictions_in_red(evaluation, tmp_path):
    dices = [image.dice for image in evaluation.scores.images]
    write_contact_sheet(evaluation.frames, evaluation.labels, evaluation.masks, dices, tmp_path / "both.png")
    red, green = colours(tmp_path / "both.png")
    assert red > 1000 < green
    nothing = [np.zeros_like(mask) for mask in evaluation.masks]
    write_contact_sheet(evaluation.frames, evaluation.labels, nothing, dices, tmp_path / "label.png")
    red, green = colours(tmp_path / "label.png")
    assert red == 0 < 1000 < green


def test_one_frame_makes_a_sheet_too(evaluation, tmp_path):
    write_contact_sheet(evaluation.frames[:1], evaluation.labels[:1], evaluation.masks[:1], [0.5], tmp_path / "one.png")
    assert imread(tmp_path / "one.png").std() > 0.1


def test_curves_of_training_and_validation(tmp_path):
    history = tmp_path / "history.csv"
    history.write_text(
        "epoch,dice_coefficient,dice_coefficient_2,loss,val_dice_coefficient,val_dice_coefficient_2,val_loss,"
        "learning_rate\n1,0.1,0.0,1.0,0.1,0.1,1.2,0.1\n2,0.8,0.7,0.2,0.7,0.6,0.3,0.0\n"
    )
    write_curves(history, tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").std() > 0.01


def test_the_table_has_every_patient_and_all_of_them(evaluation):
    rows = score_rows(evaluation.scores)
    assert [row[0] for row in rows] == ["PHANTOM0003", "all"]
    assert rows[-1][3] == f"{evaluation.scores.mean_dice:.3f}"
    console = Console(file=io.StringIO(), width=120)
    console.print(score_table(evaluation.scores, "title"))
    assert all(cell in console.file.getvalue() for row in rows for cell in row)


def test_the_challenge_s_table_has_its_figures_and_what_they_leave_out(evaluation):
    console = Console(file=io.StringIO(), width=160)
    console.print(challenge_table(evaluation.challenge))
    printed = console.file.getvalue()
    (patient,) = evaluation.challenge.patients
    assert "good is below 5 mm" in printed
    figures = (patient.good_percent, patient.all_dice, patient.dice_3d)
    for figure in (f"{figures[0]:.1f}", f"{figures[1]:.3f}", f"{figures[2]:.3f}"):
        assert printed.count(figure) >= 2  # of the one patient, and of all of them


def test_an_evaluation_leaves_scores_and_pictures(evaluation, tmp_path):
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
    write_evaluation(evaluation, tmp_path / "evaluation")  # a second one takes the first one's place


def test_the_page_links_what_is_there_and_escapes_what_it_is_told(evaluation, tmp_path):
    picture = tmp_path / "pictures" / "a b.png"
    page = tmp_path / "report.html"
    write_page(page, "5 < 6 & more", "Said <b>so</b>.", evaluation.scores, {"A <caption>": picture})
    text = page.read_text()
    assert "<b>" not in text
    assert "5 &lt; 6 &amp; more" in text
    assert re.findall('src="(.*?)"', text) == ["pictures/a b.png"]
    assert f"<td>{evaluation.scores.mean_dice:.3f}</td>" in text
