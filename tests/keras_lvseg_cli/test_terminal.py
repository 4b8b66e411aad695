"""What a terminal shows of odd and damaged files."""

import os
import re
import struct
import subprocess
import sys

import pydicom
import pytest

from tests.inference.planted import write_planted_run
from tests.nifti_tree import image_of, label_of, save
from tests.small_tree import write_stack

OWN_LINES = ("reading headers", "segmenting", "P1: ", "odd: ", "no mask: ", "no DICOM SEG: ", "results in ", *"┏┃┡│└")


def replace(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def write_odd_files(root):
    """Write files at which pydicom, highdicom or nibabel warn, log or raise."""
    frames = write_stack(root / "study", places=(0, 8, 16), phases=2)
    replace(frames[0], b"\x18\x00\x50\x00DS", b"\x18\x00\x50\x00ZZ")  # an unknown representation
    replace(frames[1], b"\x18\x00\x50\x00DS\x04\x00", b"\x18\x00\x50\x00DS\xfe\xff")  # a length beyond the end
    frames[2].write_bytes(frames[2].read_bytes()[:-100])
    dataset = pydicom.dcmread(frames[3])
    dataset.PixelData += bytes(200)
    dataset.save_as(frames[3])
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(frames[4])
        dataset.StudyDate, dataset.PatientBirthDate, dataset.SeriesInstanceUID = "2020-99-99", "unknown", "1.02.03"
        dataset.save_as(frames[4])
    replace(frames[5], b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")  # written otherwise than it says
    (root / "notes.dcm").write_text("no DICOM")
    nifti = save(root / "odd.nii", image_of(label_of(9.0), 0))
    content = bytearray(nifti.read_bytes())
    content[80:84] = struct.pack("<f", -1.5)  # a negative spacing, which nibabel mends and logs
    nifti.write_bytes(content)
    content[344:348] = b"n+9\0"
    (root / "damaged.nii").write_bytes(content)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_segment_of_odd_files_shows_its_own_lines_only(tmp_path):
    import pty

    write_odd_files(tmp_path / "in")
    run = write_planted_run(tmp_path / "run", 150.0)
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"PYTHONPATH": os.getcwd(), "COLUMNS": "200"}
    command = [sys.executable, "-m", "keras_lvseg_cli", "segment", tmp_path / "in", tmp_path / "out", "--run", run]
    ours, theirs = pty.openpty()
    options = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen([*command, "--write=masks,nifti,dicom-seg"], env=environment, **options) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip()]
    assert [line for line in lines if not line.startswith(OWN_LINES)] == []
    assert sum(line.startswith("no mask: ") for line in lines) >= 3


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux ends a terminal that nothing has open with an error
        return b""
