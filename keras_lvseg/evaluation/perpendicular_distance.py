"""Average perpendicular distance: how far one contour runs from another."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.evaluation.validation import open_outline, spacing_of


def average_perpendicular_distance(automatic: ArrayLike, manual: ArrayLike, spacing: ArrayLike) -> float:
    """Average perpendicular distance (APD) in mm, one way: from the automatic contour to the manual one.

    The mean, over the points of the automatic contour, of the exact distance to the nearest place on the manual
    contour, which is the foot of a perpendicular or a corner. It is the measure of the MICCAI 2009 challenge (Radau
    et al., 2009), and one-way as there: what of the manual contour the automatic one never comes near does not
    count, so look at Dice beside it.

    The organisers' MATLAB code looks for the foot along the automatic contour's own normal, on a straight line
    through three points of the manual one. That is the same for contours that run in parallel, and longer as a rule:
    on outlines of masks, whose normals turn at every pixel, their method reads about a tenth more. It leaves out of
    the mean the points that lie exactly on the manual contour and those that it finds no foot for, gives no distance
    to a contour of 15 points or fewer, or at the image's edge, but counts it as good, and takes the spacing between
    rows for both directions. Here every point of every contour counts, by both spacings.

    Args:
        automatic: Array of shape (points, 2): x and y (column, row) in pixels; open or closed.
        manual: The same, three or more points.
        spacing: mm between rows and mm between columns, as a frame's `pixel_spacing`; in this order, though points
            are x first.

    Returns:
        Distance in mm; inf where the automatic contour has no points, as it is missing.

    Raises:
        ValueError: A contour of another shape, with numbers that are not finite, or too short; a spacing that is not
            two positive numbers.

    Example:
        >>> manual = [[0, 0], [10, 0], [10, 10], [0, 10]]
        >>> average_perpendicular_distance([[5, 1], [5, 8], [12, 5]], manual, spacing=(1.5, 2.0))
        2.8333333333333335

    References:
        P. Radau et al., "Evaluation framework for algorithms segmenting short axis cardiac MRI", The MIDAS Journal,
        2009, http://hdl.handle.net/10380/3070.
    """
    mm = spacing_of(spacing, 2)[::-1]
    points, corners = open_outline("automatic", automatic) * mm, open_outline("manual", manual) * mm
    if len(corners) < 3:
        raise ValueError(f"manual needs three or more points; received {len(corners)}")
    if not len(points):
        return math.inf
    return float(_distances_to_outline(points, corners).mean())


def _distances_to_outline(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """From each point to the nearest place on the closed polygon."""
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = (sides**2).sum(axis=1)
    from_corners = points[:, None] - corners
    # How far along each side the nearest place is, from 0 to 1; a side of no length (a corner given twice) is a point.
    along = (from_corners * sides).sum(axis=2) / np.where(lengths > 0, lengths, 1)
    to_sides = from_corners - np.clip(along, 0, 1)[..., None] * sides
    return np.sqrt((to_sides**2).sum(axis=2).min(axis=1))
