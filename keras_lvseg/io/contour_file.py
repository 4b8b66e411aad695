"""Contours as the 2009 challenge keeps them: text files, one "x y" a line, in pixels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_file, read_bytes
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN

_LARGEST_FILE = 1_000_000  # bytes; a real contour has a few kilobytes
_LARGEST_COORDINATE = 65_536  # pixels; no DICOM image has more rows or columns
# Pixels: a heart's has hundreds, one around a mask of 256 x 256 random pixels 300,000. Filling it takes its time.
_LONGEST_OUTLINE = 500_000


def read_contour(path: str | os.PathLike[str], origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """Read a contour file.

    Args:
        path: A text file with one `x y` pair (column, row) a line, in pixels. Open and closed outlines are
            both accepted.
        origin: Added to both coordinates, see `CONTOUR_ORIGIN`.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres, the first point not repeated.

    Raises:
        DataError: The file is not such a text, has fewer than three points, or an outline too long to be one.
    """
    path = Path(path)
    content = read_bytes(path, _LARGEST_FILE)
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise DataError(path, "is not a text file", "a contour has one 'x y' pair a line") from None
    points = np.array([_point(path, i, line) for i, line in enumerate(lines, 1) if line.strip()]).reshape(-1, 2)
    if len(points) > 1 and np.array_equal(points[0], points[-1]):
        points = points[:-1]
    if len(points) < 3:
        raise DataError(path, f"has {len(points)} points", "an outline has three or more")
    if (length := _length(points)) > _LONGEST_OUTLINE:
        raise DataError(path, f"is {length:,.0f} pixels long", f"an outline has up to {_LONGEST_OUTLINE:,}")
    return points + origin


def write_contour(path: str | os.PathLike[str], points: np.ndarray, origin: float = CONTOUR_ORIGIN) -> None:
    """Write a contour file, the inverse of `read_contour`.

    A file holds one outline. A mask of several parts, or with holes, goes into one file too, and comes back from it
    pixel by pixel: write `join_contours(mask_contours(mask))`. An empty mask cannot be told in this format: a frame
    without a file is one that nobody has outlined.

    Args:
        path: The file to write, whole or not at all.
        points: Array of shape (points, 2): x and y in zero-based pixel centres, three points or more.
        origin: Taken off both coordinates, see `CONTOUR_ORIGIN`.

    Raises:
        ValueError: The points are no outline that `read_contour` would take.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "contour.txt"
        >>> write_contour(path, np.array([[1.25, 2.25], [3.25, 2.25], [2.25, 4.25]]))
        >>> path.read_text().splitlines()
        ['2.00 3.00', '4.00 3.00', '3.00 5.00']
        >>> read_contour(path).tolist()
        [[1.25, 2.25], [3.25, 2.25], [2.25, 4.25]]
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise ValueError(f"an outline has the shape (points, 2) and three points or more; received {points.shape}")
    if not (np.abs(points - origin) <= _LARGEST_COORDINATE).all():
        raise ValueError(f"an outline's points are numbers of pixels, {_LARGEST_COORDINATE:,} at most")
    if (length := _length(points)) > _LONGEST_OUTLINE:
        raise ValueError(f"an outline has up to {_LONGEST_OUTLINE:,} pixels of length; received {length:,.0f}")
    text = "".join(f"{x:.2f} {y:.2f}\n" for x, y in points - origin)
    with atomic_file(path) as scratch:
        scratch.write_text(text, encoding="ascii")


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum())


def _point(path: Path, number: int, line: str) -> tuple[float, float]:
    try:
        x, y = (float(word.replace("_", "?")) for word in line.split())  # Python takes 1_0 for ten
    except ValueError:
        x = y = float("nan")
    if not (abs(x) <= _LARGEST_COORDINATE and abs(y) <= _LARGEST_COORDINATE):
        raise DataError(path, f"line {number} is {line[:40]!r}", "a line has one x and one y, in pixels")
    return x, y
