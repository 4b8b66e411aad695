"""Crossings of a contour with lines along the rows, computed in bands to limit memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

SCANLINES = 16
"""Lines per pixel."""

_MAX_CROSSINGS = 2**18  # per band, about 30 MB


def scan_lines(points: np.ndarray, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Intersect a contour with the `SCANLINES` lines of each row of pixels.

    Args:
        points: Array of shape (points, 2): x and y in pixels, where y from 0 to 1 is the first row.
        rows: Number of rows. Crossings above or below them are left out.

    Yields:
        For a band of lines, from the top down: line, x and sense (1 down, -1 up) of each crossing, sorted by line and
        then by x. Line i lies at y = (i + 0.5) / `SCANLINES` and has an even number of crossings.

    Example:
        >>> square = np.array([[1.0, 0.5], [4.0, 0.5], [4.0, 2.5], [1.0, 2.5]])
        >>> ((line, x, sense),) = scan_lines(square, rows=2)
        >>> line[:2].tolist(), x[:2].tolist(), sense[:2].tolist(), len(line)
        ([8, 8], [1.0, 4.0], [-1, 1], 48)
    """
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    # The first line at or below each corner. An edge crosses the lines from its upper corner's line to the one before
    # its lower corner's line. So a corner on a line is crossed once and not twice.
    corner = np.clip(np.ceil(y0 * SCANLINES - 0.5), 0, rows * SCANLINES).astype(int)
    corners = corner, np.roll(corner, -1)
    first, last = np.minimum(*corners), np.maximum(*corners)
    begin, end = (np.bincount(lines, minlength=rows * SCANLINES + 1) for lines in (first, last))
    total = np.cumsum(np.cumsum(begin - end))[:-1]
    bands = np.flatnonzero(np.diff(total // _MAX_CROSSINGS, prepend=-1))
    for top, bottom in pairwise([*bands.tolist(), rows * SCANLINES]):
        edges = np.flatnonzero((first < bottom) & (last > top))
        start = np.maximum(first[edges], top)
        crossings = np.minimum(last[edges], bottom) - start
        edge = np.repeat(edges, crossings)
        line = np.arange(len(edge)) - np.repeat(np.cumsum(crossings) - crossings - start, crossings)
        y = (line + 0.5) / SCANLINES
        x = x0[edge] + (y - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        order = np.lexsort((x, line))
        yield line[order], x[order], np.where(y1 > y0, 1, -1)[edge[order]]
