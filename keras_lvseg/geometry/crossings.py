"""Contours that cross themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.geometry.scanlines import SCANLINES, scan_lines
from keras_lvseg.geometry.validation import check_points


def crossed_area(points: ArrayLike) -> float:
    """Return the area that a contour encloses twice, or in the sense opposite to the rest.

    It is 0 unless the contour crosses itself. A contour that only touches itself, at a point or along a line, encloses
    all of its area once. The area is measured on 16 lines per pixel, which may miss a loop lower than 1/16 pixel.

    Args:
        points: Array of shape (points, 2): x and y in pixels.

    Returns:
        The area in pixels.

    Raises:
        ValueError: The points have another shape, or are not finite.

    Example:
        >>> square, bow = [[0, 0], [4, 0], [4, 4], [0, 4]], [[0, 0], [4, 4], [4, 0], [0, 4]]
        >>> crossed_area(square), crossed_area(bow)
        (0.0, 4.0)
    """
    contour = check_points("points", points)
    contour = contour - (0, np.floor(contour[:, 1].min(initial=0)))
    area, senses, crossed = 0.0, (1, -1), np.zeros(2)
    for _, x, sense in scan_lines(contour, int(np.ceil(contour[:, 1].max(initial=0)))):
        # The winding number to the right of each crossing, which is 0 at the end of each line.
        winding = np.cumsum(sense)
        width = np.append(np.diff(x), 0) * (winding != 0)
        area += (winding * width).sum()
        crossed += [width[winding != wanted].sum() for wanted in senses]
    return float(crossed[0 if area >= 0 else 1] / SCANLINES)
