import json
import re

import pytest

from keras_lvseg_cli import demo

pytestmark = pytest.mark.slow


def test_demo_reports_the_study_and_the_held_out_hearts_on_one_page(run_command, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_SETTINGS", demo._SETTINGS | {"epochs": 1, "filters": 2})
    folder = tmp_path / "demo"
    code, printed, err = run_command("demo", folder, "--seed", "5")
    assert (code, err) == (0, "")
    report = folder / "report.html"
    page = report.read_text()
    assert str(report) in printed
    assert page.count('src="data:image/png;base64,') == page.count("<img") == 3

    # Volumes of the study: the phantom's own, and those that `segment` wrote.
    (heart,) = json.loads((folder / "study" / "phantom.json").read_text())["patients"]
    study = json.loads((folder / "segmentation" / heart["patient_id"] / "study.json").read_text())
    rows = [re.findall("<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    shown = {row[0]: row[1:] for row in rows if row}
    for name, key in (("EDV, mL", "ed"), ("ESV, mL", "es")):
        whole, contoured = shown[f"{name}, all slices"], shown[f"{name}, slices with a contour"]
        assert whole[0] == f"{heart[f'{key}v_ml']:.0f}"
        assert float(whole[1]) == pytest.approx(study[f"{key}v_ml"], abs=0.51)  # the file has rounded values
        assert contoured[0] == f"{heart[f'slab_{key}v_ml']:.0f}"
        # They are some of the slices, and the network finds most of their cavity.
        assert 0.5 * float(contoured[0]) < float(contoured[1]) <= float(whole[1])
    true = 100 * (1 - heart["esv_ml"] / heart["edv_ml"])
    assert shown["EF, %, all slices"][0] == f"{true:.0f}"
    assert float(shown["EF, %, all slices"][1]) == pytest.approx(study["ejection_fraction_percent"], abs=0.51)

    # Scores of the network that was trained: the terminal, the page and the file have the same figures.
    split = json.loads((folder / "run" / "split.json").read_text())
    scores = json.loads((folder / "run" / "evaluation" / "scores.json").read_text())
    assert {patient["patient_id"] for patient in scores["patients"]} == set(split["test"])
    assert not set(split["test"]) & set(split["train"])
    overall = f"{scores['mean_dice']:.3f}"
    assert overall in printed
    assert shown["all"][2] == overall


def test_demo_in_a_folder_with_files_leaves_them_alone(run_command, tmp_path):
    (tmp_path / "report.html").write_text("mine")
    code, _, err = run_command("demo", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "not empty" in err
    assert (tmp_path / "report.html").read_text() == "mine"
