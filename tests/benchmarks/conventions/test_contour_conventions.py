import sys

import numpy as np
import pytest

from benchmarks.conventions import contour_conventions
from benchmarks.conventions.contour_conventions import CONVENTIONS, integers

pytestmark = pytest.mark.slow


@pytest.fixture
def table(phantom_tree, tmp_path, monkeypatch):
    path = tmp_path / "table.md"
    monkeypatch.setattr(sys, "argv", ["contour_conventions.py", str(phantom_tree), str(path)])
    contour_conventions.main()
    return path


def test_contour_conventions_on_phantoms_default_is_nearest(table):
    assert table.with_suffix(".png").stat().st_size > 10_000
    rows = [line.split(" | ") for line in table.read_text().splitlines() if line.count(" | ") == 8]
    figures = [(float(row[3]), float(row[5])) for row in rows if row[0].strip("| ") in {c.name for c in CONVENTIONS}]
    assert len(figures) == len(CONVENTIONS)
    (area, dice), *others = figures
    assert area < 0.3
    assert dice == 1
    assert all(other_area > area and other_dice < 1 for other_area, other_dice in others)


def test_integers_on_a_triangle_fill_the_contour_pixels_too():
    # What OpenCV 5.0's fillPoly makes of this triangle, once it is cut to integers.
    filled = """
        ........
        .######.
        .#####..
        .###....
        .#......
        ........
    """
    mask = integers(np.array([[1.9, 1.2], [6.5, 1.0], [1.1, 4.7]]), (6, 8))
    assert ["".join(".#"[pixel] for pixel in row) for row in mask.astype(int)] == filled.split()
