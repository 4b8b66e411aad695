"""The one outline of a mask, as the challenge wants one contour an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from skimage.measure import find_contours

from keras_lvseg.evaluation.validation import boolean_mask


def mask_outline(mask: ArrayLike) -> np.ndarray:
    """The outer outline of a mask's largest piece.

    It runs halfway between the centres of pixels inside and outside, across the corners (scikit-image's
    `find_contours` at 0.5), so that filling it by `polygon_mask` gives the piece back, if it is more than one pixel.
    Holes are passed over. Pixels hang together by their sides; of pieces equally large it is the one that begins
    first, row by row.

    Args:
        mask: Boolean array (or of 0 and 1) of shape (rows, columns).

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres, the first point not repeated; (0, 2) for an
        empty mask.

    Raises:
        ValueError: It is no such mask.

    Example:
        >>> mask_outline(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]])).tolist()
        [[1.0, 1.5], [0.5, 1.0], [1.0, 0.5], [1.5, 1.0]]
    """
    pieces, count = ndimage.label(boolean_mask("mask", mask, (2,)))
    if not count:
        return np.zeros((0, 2))
    largest = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    # A rim, for find_contours leaves an outline open that meets the image's edge.
    solid = np.pad(ndimage.binary_fill_holes(largest), 1)
    (outline,) = find_contours(solid.astype(float), 0.5)
    return outline[:-1, ::-1] - 1
