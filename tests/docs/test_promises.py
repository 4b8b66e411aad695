"""The page of promises has the numbers that stand in the other pages."""

import shutil
import subprocess
import sys

from tests.harness import ROOT


def test_promises_are_those_of_the_tables(tmp_path):
    pages = shutil.copytree(ROOT / "docs" / "validation", tmp_path / "validation")
    page = pages / "promises.md"
    page.unlink()
    subprocess.run([sys.executable, str(ROOT / "docs" / "figures" / "promises.py"), str(page)], check=True)
    assert page.read_text(encoding="utf-8") == (ROOT / "docs" / "validation" / "promises.md").read_text(
        encoding="utf-8"
    )
    assert (pages / "promises.png").read_bytes().startswith(b"\x89PNG")
