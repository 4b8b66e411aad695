"""Fail where the demo's hearts are not found.

The network that the demo trains must have a mean Dice of 0.9 on the hearts that it did not train on. The bundled
network goes on above the valves, so its end-diastolic volume may be 30 % off the true one.
"""

import json
import sys
from pathlib import Path

demo = Path(sys.argv[1])


def read(name: str) -> dict:
    return json.loads((demo / name).read_text())


scores = read("run/evaluation/scores.json")
trained_on = set(read("run/split.json")["train"])
scored = {patient["patient_id"] for patient in scores["patients"]}
assert scored, "the demo scored no heart"
assert not scored & trained_on, f"the demo scored hearts that it trained on: {scored & trained_on}"
assert scores["mean_dice"] >= 0.9, f"the demo's Dice is {scores['mean_dice']:.3f}, expected 0.9 or more"

(heart,) = read("study/phantom.json")["patients"]
edv = read(f"segmentation/{heart['patient_id']}/study.json")["edv_ml"]
assert abs(edv / heart["edv_ml"] - 1) <= 0.3, f"the study's EDV is {edv:.0f} mL, the true one {heart['edv_ml']:.0f} mL"

page = (demo / "report.html").read_text()
assert page.count('src="data:image/png;base64,') == 3, "the page lacks a picture"
