import json
import re

import pytest

from keras_lvseg_cli import demo

pytestmark = pytest.mark.slow


def test_demo_reports_the_scores_of_held_out_hearts_and_names_its_files(run_command, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_SETTINGS", demo._SETTINGS | {"epochs": 1, "filters": 2})
    folder = tmp_path / "demo"
    code, printed, err = run_command("demo", folder, "--seed", "5")
    assert (code, err) == (0, "")
    split = json.loads((folder / "run" / "split.json").read_text())
    scores = json.loads((folder / "run" / "evaluation" / "scores.json").read_text())
    assert {patient["patient_id"] for patient in scores["patients"]} == set(split["test"])
    assert not set(split["test"]) & set(split["train"])
    report = folder / "report.html"
    assert str(report) in printed
    assert str(folder / "run" / "evaluation" / "contact_sheet.png") in printed
    images = re.findall('src="(.*?)"', report.read_text())
    assert len(images) == 2
    assert all((folder / image).is_file() for image in images)
    # The terminal, the report and the file show the same figures.
    overall = f"{scores['mean_dice']:.3f}"
    assert overall in printed
    assert overall in report.read_text()


def test_demo_in_a_folder_with_files_leaves_them_alone(run_command, tmp_path):
    (tmp_path / "report.html").write_text("mine")
    code, _, err = run_command("demo", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "not empty" in err
    assert (tmp_path / "report.html").read_text() == "mine"
