import io
import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from keras_lvseg.errors import DataError
from keras_lvseg_cli import run_demo as demo


def test_the_demo_scores_hearts_that_it_never_saw_and_says_where_picture_and_report_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_SETTINGS", replace(demo._SETTINGS, epochs=1, filters=2))
    console = Console(file=io.StringIO(), width=200)
    folder = tmp_path / "demo"
    evaluation = demo.run_demo(folder, seed=5, console=console)
    split = json.loads((folder / "run" / "split.json").read_text())
    assert {patient.patient_id for patient in evaluation.scores.patients} == set(split["test"])
    assert not set(split["test"]) & set(split["train"])
    printed = console.file.getvalue()
    report = folder / "report.html"
    assert str(report) in printed
    assert str(folder / "run" / "evaluation" / "contact_sheet.png") in printed
    pictures = re.findall('src="(.*?)"', report.read_text())
    assert len(pictures) == 2
    assert all((folder / picture).is_file() for picture in pictures)
    # The same figures stand in the terminal, in the report and in the file.
    overall = f"{evaluation.scores.mean_dice:.3f}"
    assert overall in printed
    assert overall in report.read_text()
    assert overall == f"{json.loads((folder / 'run' / 'evaluation' / 'scores.json').read_text())['mean_dice']:.3f}"


def test_a_second_demo_leaves_the_first_alone(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        demo.run_demo(tmp_path)
    assert (tmp_path / "report.html").read_text() == "mine"
