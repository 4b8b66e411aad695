"""Contours of labels that include their outline, and so are half a pixel too large all around."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from skimage.measure import find_contours

from keras_lvseg.geometry.components import largest_component
from keras_lvseg.geometry.contour_tracing import join_contours, mask_contours
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN, polygon_mask

# Pixels. Half of the coordinates of the Sunnybrook contours are whole numbers and half lie between two. So the cast
# to integers takes off 0 or 0.5, a quarter on average. Measured where both labels and contours exist (56 endocardial,
# 28 epicardial contours): with this shift the centre is off by 0.01 pixel or less on average.
_MEAN_CAST_LOSS = 0.25


def contour_of_outlined_label(mask: ArrayLike, *, contour_origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """Return the contour that a label was drawn from, if the label includes its own outline.

    A common recipe casts a contour's coordinates to integers and fills it, the outline's own pixels included. Then the
    line through the centres of the mask's boundary pixels is the contour, but for the loss of the cast. This function
    returns that line, moved back by the mean loss: a quarter of a pixel in x and in y, because contours are drawn on
    half pixels. Of other masks the result is too small, by half a pixel all around.

    Args:
        mask: Boolean array (or 0 and 1) of shape (rows, columns). Only the largest component counts, holes filled.
            Pixels connect by their sides and corners.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres, see `CONTOUR_ORIGIN`.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres, the first point not repeated. Its shape is
        (0, 2) for an empty mask. Where the contour would fill no pixel (a line, a square of four pixels), it follows
        the pixels' edges instead, unmoved.

    Raises:
        ValueError: The mask has other values or axes.

    Example:
        A contour from 1 to 3.5 in x and in y is cast to 1 to 3, which fills three pixels a side:

        >>> mask = np.zeros((6, 6), bool)
        >>> mask[1:4, 1:4] = True
        >>> contour = contour_of_outlined_label(mask, contour_origin=0.0)
        >>> contour.min(axis=0).tolist(), contour.max(axis=0).tolist()
        ([1.25, 1.25], [3.25, 3.25])
    """
    label = largest_component(mask, connectivity=2)
    if not label.any():
        return np.zeros((0, 2))
    # Just below the level of the pixels inside, the line runs almost through their centres, to which it is rounded.
    # A border of zeros is added, because `find_contours` leaves contours open at the image's edge.
    (line,) = find_contours(np.pad(label, 1).astype(float), 1 - 1e-6, fully_connected="high")
    line = np.rint(line[:-1, ::-1]) - 1
    contour = line[(line != np.roll(line, 1, axis=0)).any(axis=1)] + _MEAN_CAST_LOSS + contour_origin
    return contour if polygon_mask(contour, label.shape).any() else join_contours(mask_contours(label))
