import re
from pathlib import Path

import pytest

from benchmarks.robustness.identity import FILE, FOLDER, found, plant

SECURITY = Path(__file__).parents[3] / "SECURITY.md"


@pytest.mark.slow
def test_anonymous_outputs_have_nothing_of_the_identity_and_others_what_security_md_says(tmp_path):
    (tmp_path / "in").mkdir()
    words = plant(tmp_path / "in")
    anonymous = found(tmp_path / "in", tmp_path / "anonymous", words, "--anonymous")
    assert {name: places for name, places in anonymous.items() if places} == {}
    plain = found(tmp_path / "in", tmp_path / "plain", words)
    in_seg = {name for name, places in plain.items() if "DICOM SEG" in places}
    elsewhere = {name for name, places in plain.items() if places - {"DICOM SEG"}}
    assert elsewhere == {"PatientID", FILE, FOLDER}
    (row,) = re.findall(r"\| DICOM SEG \|(.*)\|", SECURITY.read_text(encoding="utf-8"))
    assert in_seg == set(re.findall(r"`(\w+)`", row))
