"""Fail where the demo's hearts are not found: a mean Dice of 0.9 on those that it did not train on is due."""

import json
import sys
from pathlib import Path

demo = Path(sys.argv[1])
scores = json.loads((demo / "run" / "evaluation" / "scores.json").read_text())
trained_on = set(json.loads((demo / "run" / "split.json").read_text())["train"])
scored = {patient["patient_id"] for patient in scores["patients"]}
assert scored, "the demo scored nobody"
assert not scored & trained_on, f"the demo scored patients that it trained on: {scored & trained_on}"
assert scores["mean_dice"] >= 0.9, f"the demo's Dice is {scores['mean_dice']:.3f}, 0.9 is due"
assert (demo / "report.html").is_file()
