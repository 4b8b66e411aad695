"""Average perpendicular distance of one contour from another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument
from keras_lvseg.geometry.validation import check_spacing, open_contour


def average_perpendicular_distance(automatic: ArrayLike, manual: ArrayLike, *, spacing: ArrayLike) -> float:
    """Return the average perpendicular distance (APD) in mm from the automatic contour to the manual one.

    It is the mean, over the points of the automatic contour, of the exact distance to the nearest place on the manual
    contour. That place is the foot of a perpendicular or a corner. The measure is that of the MICCAI 2009 challenge
    (Radau et al., 2009) and one-way as there: parts of the manual contour that the automatic one never comes near do
    not count. So read it together with Dice.

    The organisers' MATLAB code differs in these points:

    - It looks for the foot along the automatic contour's own normal, on a straight line through three points of the
      manual contour. For parallel contours this is the same. Otherwise it is longer as a rule: on contours of masks,
      whose normals turn at every pixel, it reads about a tenth more.
    - Its mean leaves out points that lie exactly on the manual contour, and points without a foot.
    - It gives no distance to a contour of 15 points or fewer or at the image's edge, but counts it as good.
    - It uses the spacing between rows for both directions.

    Here every point of every contour counts, by both spacings.

    Args:
        automatic: Array of shape (points, 2): x and y (column, row) in pixels; open or closed.
        manual: The same, three or more points.
        spacing: mm between rows and mm between columns, as a frame's `pixel_spacing`; in this order, although points
            are x first.

    Returns:
        Distance in mm; inf if the automatic contour has no points, because it is missing.

    Raises:
        ValueError: A contour has another shape, numbers that are not finite or too few points, or the spacing is not
            two positive numbers.

    Example:
        >>> manual = [[0, 0], [10, 0], [10, 10], [0, 10]]
        >>> average_perpendicular_distance([[5, 1], [5, 8], [12, 5]], manual, spacing=(1.5, 2.0))
        2.8333333333333335

    References:
        P. Radau et al., "Evaluation framework for algorithms segmenting short axis cardiac MRI", The MIDAS Journal,
        2009, http://hdl.handle.net/10380/3070.
    """
    mm = check_spacing(spacing, 2)[::-1]
    points, corners = open_contour("automatic", automatic) * mm, open_contour("manual", manual) * mm
    if len(corners) < 3:
        raise invalid_argument("manual.shape", corners.shape, "three or more different points")
    if not len(points):
        return math.inf
    return float(_distances_to_contour(points, corners).mean())


def _distances_to_contour(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the distance of each point to the nearest place on the closed polygon."""
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = (sides**2).sum(axis=1)
    from_corners = points[:, None] - corners
    # Position of the nearest place along each side, from 0 to 1. A side without length (a repeated corner) is a point.
    along = (from_corners * sides).sum(axis=2) / np.where(lengths > 0, lengths, 1)
    to_sides = from_corners - np.clip(along, 0, 1)[..., None] * sides
    return np.sqrt((to_sides**2).sum(axis=2).min(axis=1))
