import re
import sys

import pytest

from benchmarks.conventions import repaired_labels
from tests.png_tree import write_damaged_copy

pytestmark = pytest.mark.slow


@pytest.fixture
def table(phantom_tree, tmp_path, monkeypatch):
    pictures, path = write_damaged_copy(phantom_tree, tmp_path / "pictures"), tmp_path / "table.md"
    monkeypatch.setattr(sys, "argv", ["repaired_labels.py", str(pictures), str(phantom_tree), str(path)])
    repaired_labels.main()
    return path


def test_repaired_labels_on_damaged_copy_are_nearer_to_the_contours(table):
    assert table.with_suffix(".png").stat().st_size > 10_000
    rows = [line.strip("| ").split(" | ") for line in table.read_text().splitlines() if line.count(" | ") == 5]
    figures = {
        (cells[0].split()[0], cells[1]): [float(re.match(r"[+-]?[\d.]+", cell)[0]) for cell in cells[2:]]
        for cells in rows[2:]
    }
    assert len(figures) == 4
    for border in repaired_labels.BORDERS:
        given, repaired = (figures[border, how] for how in repaired_labels.HOW)
        assert repaired[0] > 0.98 > given[0]
        errors = [[abs(cells[1] - 1), *map(abs, cells[2:])] for cells in (repaired, given)]
        assert all(better < worse / 2 for better, worse in zip(*errors, strict=True))
