"""The DICOM validator `dciodvfy` of Debian's package dicom3tools."""

import shutil
import subprocess
from pathlib import Path

import pytest


def dicom_errors(path: Path) -> list[str]:
    """Return the errors that `dciodvfy` finds in a file; skip the test if the program is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian's dicom3tools)")
    done = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert lines, "dciodvfy prints at least the name of the storage class"
    return [line for line in lines if line.startswith("Error")]
