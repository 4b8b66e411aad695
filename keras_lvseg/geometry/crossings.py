"""Outlines that cross themselves."""

from __future__ import annotations

import numpy as np

_SCANLINES = 16  # a pixel


def crossed_area(points: np.ndarray) -> float:
    """Area that an outline goes round twice, or the other way round than the rest: 0 unless it crosses itself.

    An outline that only touches itself, at a point or along a line, encloses all of its area once. Measured on
    16 lines a pixel, so a loop that is lower than a sixteenth of a pixel may be missed.

    Args:
        points: Array of shape (points, 2): x and y in pixels.

    Returns:
        The area in pixels.

    Example:
        >>> square, bow = [[0, 0], [4, 0], [4, 4], [0, 4]], [[0, 0], [4, 4], [4, 0], [0, 4]]
        >>> crossed_area(np.array(square)), crossed_area(np.array(bow))
        (0.0, 4.0)
    """
    x0, y0 = np.asarray(points, dtype=float).T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    # Scan line i lies at (i + 0.5) / _SCANLINES; of one that goes through a corner, one edge crosses it and not two.
    first, last = (np.ceil(y * _SCANLINES - 0.5).astype(int) for y in (np.minimum(y0, y1), np.maximum(y0, y1)))
    crossings = last - first
    edge = np.repeat(np.arange(len(x0)), crossings)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(crossings) - crossings - first, crossings)
    x = x0[edge] + ((line + 0.5) / _SCANLINES - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    order = np.lexsort((x, line))
    # How often the outline goes round what lies right of a crossing; it is 0 again at the end of each line.
    winding = np.cumsum(np.sign(y1 - y0)[edge][order])
    width = np.append(np.diff(x[order]), 0) * (winding != 0)
    wanted = 1 if (winding * width).sum() >= 0 else -1
    return float(width[winding != wanted].sum() / _SCANLINES)
