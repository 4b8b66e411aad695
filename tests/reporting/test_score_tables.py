import io
import math
from dataclasses import replace

from rich.console import Console

from keras_lvseg.evaluation import MeanSD
from keras_lvseg.reporting import challenge_table, score_rows, score_table


def test_score_table_has_a_row_per_patient_and_one_for_all_images(evaluation, printed):
    headings, *rows = score_rows(evaluation.scores)
    assert [row[0] for row in rows] == ["P1", "all"]
    assert rows[-1][3] == f"{evaluation.scores.mean_dice:.3f}"
    text = printed(score_table(evaluation.scores, "title"))
    assert all(cell in text for row in (headings, *rows) for cell in row)


def test_challenge_table_has_the_figures_of_good_and_of_all_contours(evaluation, printed):
    text = printed(challenge_table(evaluation.challenge))
    (patient,) = evaluation.challenge.patients
    assert "good: APD below 5 mm" in text
    figures = (patient.good_percent, patient.all_dice, patient.dice_3d)
    for figure in (f"{figures[0]:.1f}", f"{figures[1]:.3f}", f"{figures[2]:.3f}"):
        assert text.count(figure) >= 2  # of the only patient and of the mean


def test_score_tables_show_patient_ids_literally(evaluation, printed):
    name = "[bold]\x1b[2J"
    scores, challenge = evaluation.scores, evaluation.challenge
    scores = replace(scores, patients=tuple(replace(patient, patient_id=name) for patient in scores.patients))
    challenge = replace(challenge, patients=tuple(replace(each, patient_id=name) for each in challenge.patients))
    for table in (score_table(scores, name), challenge_table(challenge)):
        assert r"[bold]\x1b[2J" in printed(table)


def test_challenge_table_fits_80_columns_and_has_a_dash_for_what_is_undefined(evaluation):
    (patient,) = evaluation.challenge.patients
    missing = replace(patient, patient_id="SCD0000101", good_dice=math.nan, good_apd_mm=math.nan, all_apd_mm=math.inf)
    unknown = {name: MeanSD(math.nan, math.nan, 0) for name in ("good_dice", "good_apd_mm")}
    unknown["all_apd_mm"] = MeanSD(math.inf, math.nan, 1)
    score = replace(evaluation.challenge, patients=(missing,), overall=evaluation.challenge.overall | unknown)
    console = Console(file=io.StringIO(), width=80)
    console.print(challenge_table(score))
    lines = console.file.getvalue().splitlines()
    rule, first = (next(i for i, line in enumerate(lines) if line[0] == mark) for mark in "┏┡")
    assert first - rule - 1 <= 2  # lines of the heading
    rows = [line.strip("│").split("│") for line in lines if line[0] == "│"]
    assert [row[0].strip() for row in rows] == ["SCD0000101", "mean"]
    assert all([cell.strip() for cell in row].count("-") == 3 for row in rows)
    text = " ".join(console.file.getvalue().split())
    assert "nan" not in text
    assert "inf" not in text
    assert "average perpendicular distance" in text
