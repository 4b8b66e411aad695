"""Where an outline crosses lines that run along the rows, with no more memory than some of the lines need."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

SCANLINES = 16  # a pixel
_BAND = 2**18  # crossings at a time: some 30 MB


def scan_lines(points: np.ndarray, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cut an outline by the `SCANLINES` lines of each row of pixels.

    Args:
        points: Array of shape (points, 2): x and y in pixels, the first row being y from 0 to 1.
        rows: How many rows there are; what lies above or below them is left out.

    Yields:
        For some of the lines, from the top down: the line, the x and the way (1 down, -1 up) of each crossing,
        by line and then by x. Line i lies at y = (i + 0.5) / `SCANLINES`, and has an even number of crossings.

    Example:
        >>> square = np.array([[1.0, 0.5], [4.0, 0.5], [4.0, 2.5], [1.0, 2.5]])
        >>> ((line, x, way),) = scan_lines(square, rows=2)
        >>> line[:2].tolist(), x[:2].tolist(), way[:2].tolist(), len(line)
        ([8, 8], [1.0, 4.0], [-1, 1], 48)
    """
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    # The first line at or below each corner: an edge crosses the lines from the upper one's to before the lower
    # one's, so that a corner on a line is crossed once and not twice.
    corner = np.clip(np.ceil(y0 * SCANLINES - 0.5), 0, rows * SCANLINES).astype(int)
    corners = corner, np.roll(corner, -1)
    first, last = np.minimum(*corners), np.maximum(*corners)
    begin, end = (np.bincount(lines, minlength=rows * SCANLINES + 1) for lines in (first, last))
    total = np.cumsum(np.cumsum(begin - end))[:-1]
    bands = np.flatnonzero(np.diff(total // _BAND, prepend=-1))
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
