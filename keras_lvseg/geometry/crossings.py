"""Outlines that cross themselves."""

from __future__ import annotations

import numpy as np

from keras_lvseg.geometry.scanlines import SCANLINES, scan_lines


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
    points = np.asarray(points, dtype=float)
    points = points - (0, np.floor(points[:, 1].min(initial=0)))
    area, ways, crossed = 0.0, (1, -1), np.zeros(2)
    for _, x, way in scan_lines(points, int(np.ceil(points[:, 1].max(initial=0)))):
        # How often the outline goes round what lies right of a crossing; it is 0 again at the end of each line.
        winding = np.cumsum(way)
        width = np.append(np.diff(x), 0) * (winding != 0)
        area += (winding * width).sum()
        crossed += [width[winding != wanted].sum() for wanted in ways]
    return float(crossed[0 if area >= 0 else 1] / SCANLINES)
