import csv
import json

import numpy as np
import pytest
from matplotlib.image import imread

from keras_lvseg.evaluation import compare_volumes
from keras_lvseg.files import read_rows, write_rows
from keras_lvseg.io import read_volume_table
from tests.evaluation.volume_tables import draw_tables


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Measured and true volumes of patients 1 to 20, and of 501 to 506, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for first, count, volumes, truth in ((1, 20, "volumes.csv", "train.csv"), (501, 6, "new.csv", "validate.csv")):
        measured, true = draw_tables(count, first=first)
        write_rows(volumes, [{"study": row.study, "edv_ml": row.edv_ml, "esv_ml": row.esv_ml} for row in measured.rows])
        write_rows(truth, [{"Id": row.study, "Systole": row.esv_ml, "Diastole": row.edv_ml} for row in true.rows])
    return tmp_path


def assert_one_line(err, *words):
    assert err.startswith("keras-lvseg: error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_compare_volumes_prints_and_writes_what_the_functions_return(run_command, tables):
    code, shown, err = run_command("compare-volumes", "volumes.csv", "train.csv", "--out", "agreement")
    assert (code, err) == (0, "")
    expected = compare_volumes(read_volume_table("volumes.csv"), read_volume_table("train.csv"))
    assert json.loads((tables / "agreement" / "comparison.json").read_text()) == json.loads(
        json.dumps(expected.as_dict())
    )
    assert f"{expected.edv_ml.bias:.1f}" in shown
    assert f"CRPS {expected.crps.mean:.4f}" in shown
    assert "20 studies compared: volumes.csv minus train.csv" in shown
    assert "calibrated in 10 folds of patients" in shown
    rows = read_rows(tables / "agreement" / "studies.csv")
    assert [row["study"] for row in rows] == [study.study for study in expected.studies]
    assert float(rows[3]["true_edv_ml"]) == expected.studies[3].true_edv_ml
    assert imread(tables / "agreement" / "bland_altman.png").std() > 0.01


@pytest.mark.parametrize("columns", ["20", "80"])
def test_compare_volumes_fits_terminals(run_command, tables, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, shown, _ = run_command("compare-volumes", "volumes.csv", "train.csv")
    assert code == 0
    table = shown[: shown.index("20 studies compared")]
    assert all(len(line) <= int(columns) for line in table.splitlines())
    assert all(name in table for name in ("EDV", "ESV", "EF", "bias", "MAE", "RMSE", "limits"))
    agreement = compare_volumes(read_volume_table("volumes.csv"), read_volume_table("train.csv")).edv_ml
    for value in (agreement.bias, agreement.mae, agreement.rmse, *agreement.limits):
        assert f"{value:.1f}" in table


def test_fit_on_some_patients_scores_others_and_makes_a_submission(run_command, tables):
    code, shown, err = run_command("compare-volumes", "volumes.csv", "train.csv", "--fit", "TRAIN.json")
    assert (code, err) == (0, "")
    assert "calibration of 20 studies in TRAIN.json" in shown
    code, shown, err = run_command("compare-volumes", "new.csv", "validate.csv", "--apply", "TRAIN.json")
    assert (code, err) == (0, "")
    assert "of 12 volumes, calibrated on other patients" in shown
    (tables / "sample.csv").write_text(
        "Id,P0\n" + "".join(f"{i}_{kind},0\n" for i in range(501, 508) for kind in ("Systole", "Diastole"))
    )
    options = ["--apply", "TRAIN.json", "--submission", "out/submission.csv", "--sample", "sample.csv"]
    code, shown, err = run_command("compare-volumes", "new.csv", *options)
    assert (code, err) == (0, "")
    assert "1 of 7 studies have no EDV or no ESV and get the distribution of the fit's true volumes: 507" in shown
    assert "submission of 7 studies in out/submission.csv" in shown
    with (tables / "out" / "submission.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["Id", *(f"P{n}" for n in range(600))]
    assert [row[0] for row in rows] == [f"{i}_{kind}" for i in range(501, 508) for kind in ("Systole", "Diastole")]
    # The score of the file itself, by the formula of the Bowl, is the one that was printed for these patients.
    true = {row["Id"]: row for row in read_rows("validate.csv")}
    scores = [
        np.mean((np.array(row[1:], float) - (np.arange(600) >= float(true[study][kind]))) ** 2)
        for row in rows
        for study, kind in (row[0].split("_"),)
        if study in true
    ]
    _, shown, _ = run_command("compare-volumes", "new.csv", "validate.csv", "--apply", "TRAIN.json")
    assert f"CRPS {np.mean(scores):.4f}" in shown


def test_submission_without_a_sample_has_a_row_for_each_study_of_the_volumes(run_command, tables):
    run_command("compare-volumes", "volumes.csv", "train.csv", "--fit", "TRAIN.json")
    (tables / "new.csv").write_text("study,edv_ml,esv_ml,flags\n501,150,70,\n502,,,one-slice\n")
    code, shown, _ = run_command("compare-volumes", "new.csv", "--apply", "TRAIN.json", "--submission", "out.csv")
    assert code == 0
    assert "new.csv: has no edv_ml and no esv_ml in row 3, study '502'; flags: one-slice" in shown
    assert "1 of 2 studies have no EDV or no ESV" in shown
    names = [line.split(",")[0] for line in (tables / "out.csv").read_text().splitlines()]
    assert names == ["Id", "501_Diastole", "501_Systole", "502_Diastole", "502_Systole"]


def test_many_problems_are_counted_and_all_written(run_command, tables):
    with (tables / "train.csv").open("a") as file:
        file.writelines(f"{i},50,100\n" for i in range(100, 130))
    code, shown, _ = run_command("compare-volumes", "volumes.csv", "train.csv", "--out", "agreement")
    assert code == 0
    assert shown.count("is not in volumes.csv") == 20
    assert "10 more such lines; --out writes all of them" in shown
    assert len(json.loads((tables / "agreement" / "comparison.json").read_text())["problems"]) == 30


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["volumes.csv"], ["TRUTH.csv", "is missing"]),
        (["volumes.csv", "--apply", "TRAIN.json"], ["TRUTH.csv", "is missing"]),
        (["volumes.csv", "--apply", "T.json", "--submission", "o.csv", "--fit", "F.json"], ["TRUTH.csv", "--fit"]),
        (["volumes.csv", "train.csv", "--submission", "o.csv"], ["--submission", "needs --apply"]),
        (["volumes.csv", "train.csv", "--sample", "s.csv"], ["--sample", "needs --submission"]),
        (["volumes.csv", "train.csv", "--fit", "a", "--apply", "b"], ["--fit", "together with --apply"]),
        (["volumes.csv", "train.csv", "--fit", "./train.csv"], ["--fit", "train.csv is an input"]),
        ([], ["Missing argument"]),
    ],
)
def test_wrong_usage_prints_one_line_and_writes_nothing(run_command, tables, arguments, words):
    before = {path: path.read_bytes() for path in tables.iterdir()}
    code, out, err = run_command("compare-volumes", *arguments)
    assert (code, out) == (2, "")
    assert_one_line(err, *words)
    assert {path: path.read_bytes() for path in tables.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.csv", "train.csv"], ["absent.csv: cannot be read"]),
        (["volumes.csv", "absent.csv"], ["absent.csv: cannot be read"]),
        (["volumes.csv", "train.csv", "--key", "patient"], ["volumes.csv: has other columns", "patient,edv_ml"]),
        (["volumes.csv", "validate.csv"], ["has no study of validate.csv", "'1' and '501'"]),
        (["new.csv", "validate.csv", "--apply", "train.csv"], ["train.csv: is not valid JSON"]),
        (["few.csv", "train.csv", "--fit", "TRAIN.json"], ["few.csv: has too few volumes for a fit", "got 3"]),
        (["volumes.csv", "train.csv", "--out", "train.csv/out"], ["train.csv"]),
    ],
)
def test_unusable_data_prints_one_line_and_writes_nothing(run_command, tables, arguments, words):
    (tables / "few.csv").write_text("study,edv_ml,esv_ml\n1,100,50\n2,100,50\n3,100,50\n")
    before = {path: path.read_bytes() for path in tables.iterdir()}
    code, _, err = run_command("compare-volumes", *arguments)
    assert code == 1
    assert_one_line(err, *words)
    assert {path: path.read_bytes() for path in tables.iterdir()} == before


def test_calibration_is_refused_for_the_patients_it_was_fitted_on(run_command, tables):
    run_command("compare-volumes", "volumes.csv", "train.csv", "--fit", "TRAIN.json")
    code, _, err = run_command("compare-volumes", "volumes.csv", "train.csv", "--apply", "TRAIN.json")
    assert code == 1
    assert_one_line(err, "volumes.csv: cannot be scored by this calibration", "got 20 that it was fitted on")
