"""Contour files of the 2009 challenge: text files with one "x y" pair per line, in pixels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.files import atomic_file, read_bytes
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN

_MAX_FILE_SIZE = 1_000_000  # bytes; a real contour has a few kilobytes
_MAX_COORDINATE = 65_536  # pixels; DICOM allows no more rows or columns
# Pixels; filling a longer contour takes too long. A heart's contour has hundreds, the contour of a mask of 256 x 256
# random pixels 300,000.
_MAX_LENGTH = 500_000


def read_contour(path: str | os.PathLike[str], *, origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """Read a contour file.

    Args:
        path: A text file with one `x y` pair (column, row) per line, in pixels. The contour may be open or closed.
        origin: Added to both coordinates, see `CONTOUR_ORIGIN`.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres. The first point is not repeated at the end.

    Raises:
        DataError: The file is not such a text, or the contour has fewer than 3 points or is too long.
    """
    path = Path(path)
    content = read_bytes(path, _MAX_FILE_SIZE)
    with as_data_error(path, "is not a text file", expected="one 'x y' pair per line"):
        lines = content.decode("ascii").splitlines()
    points = np.array([_point(path, i, line) for i, line in enumerate(lines, 1) if line.strip()]).reshape(-1, 2)
    if len(points) > 1 and np.array_equal(points[0], points[-1]):
        points = points[:-1]
    if len(points) < 3:
        raise DataError(path, "has too few points", expected="3 or more", got=str(len(points)))
    if (length := _length(points)) > _MAX_LENGTH:
        raise DataError(path, "has too long a contour", expected=f"up to {_MAX_LENGTH:,} pixels", got=f"{length:,.0f}")
    return points + origin


def write_contour(path: str | os.PathLike[str], points: np.ndarray, *, origin: float = CONTOUR_ORIGIN) -> None:
    """Write a contour file atomically, the inverse of `read_contour`.

    A file holds one contour. For a mask of several parts, or with holes, write `join_contours(mask_contours(mask))`:
    reading and filling it restores the mask pixel by pixel. The format cannot express an empty mask, because a frame
    without a file is unlabelled.

    Args:
        path: The file to write.
        points: Array of shape (points, 2), 3 points or more: x and y in zero-based pixel centres.
        origin: Subtracted from both coordinates, see `CONTOUR_ORIGIN`.

    Raises:
        ValueError: `read_contour` would refuse the points.

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
        raise invalid_argument("points.shape", points.shape, "(points, 2) with 3 points or more")
    stored = points - origin
    if not (largest := float(np.abs(stored).max())) <= _MAX_COORDINATE:
        raise invalid_argument("points", largest, f"coordinates of up to {_MAX_COORDINATE:,} pixels")
    if (length := _length(points)) > _MAX_LENGTH:
        raise invalid_argument("points", length, f"a contour of up to {_MAX_LENGTH:,} pixels")
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{x:.2f} {y:.2f}\n" for x, y in stored), encoding="ascii")


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum())


def _point(path: Path, number: int, line: str) -> tuple[float, float]:
    try:
        x, y = (float(word.replace("_", "?")) for word in line.split())  # Python reads 1_0 as ten
    except ValueError:
        x = y = float("nan")
    if not (abs(x) <= _MAX_COORDINATE and abs(y) <= _MAX_COORDINATE):
        raise DataError(path, f"is malformed in line {number}", expected="x and y in pixels", got=repr(line[:40]))
    return x, y
