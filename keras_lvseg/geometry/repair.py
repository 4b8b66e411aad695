"""Masks that were drawn with a pencil too thick: back to the outline that they were drawn from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage
from skimage.measure import find_contours

from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN, polygon_mask
from keras_lvseg.geometry.tracing import join_contours, mask_contours

# Pixels. Half of the coordinates of the Sunnybrook contours are whole numbers and half lie between two, so that the
# cast takes 0 or 0.5 off them, a quarter on average. Measured where labels and contours are both at hand (56 of the
# inner border, 28 of the outer one): so moved, the line's centre is on average 0.01 pixel or less off the contour's.
_CUT_OFF = 0.25
_EIGHT = np.ones((3, 3), bool)  # an outline that is drawn pixel by pixel hangs together by corners, too


def repaired_outline(mask: ArrayLike, contour_origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """The outline that a mask was drawn from, where that was done by a common recipe that makes it too large.

    The recipe casts a contour's coordinates to integers and fills it, the outline's own pixels included. So the
    line through the centres of the mask's boundary pixels is the contour itself, but for what the cast cut off: a
    quarter of a pixel in x and in y, as contours are drawn on half pixels. That line is traced and moved back. Other
    masks come out too small, by half a pixel all around: they are right as they are.

    Args:
        mask: Boolean array of shape (rows, columns). Its largest piece counts, holes are filled.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres, see `CONTOUR_ORIGIN`.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres, the first point not repeated; (0, 2) for an
        empty mask. A piece that would fill to nothing so, as a line or a square of four pixels may, keeps the edges
        of its pixels, where they are.

    Raises:
        ValueError: It is no such mask.

    Example:
        A contour from 1 to 3.5 in x and in y is cut off to 1 to 3, which fills three pixels a side:

        >>> mask = np.zeros((6, 6), bool)
        >>> mask[1:4, 1:4] = True
        >>> outline = repaired_outline(mask, contour_origin=0.0)
        >>> outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
        ([1.25, 1.25], [3.25, 3.25])
    """
    inside = np.asarray(mask)
    if inside.dtype != bool or inside.ndim != 2:
        raise ValueError(f"mask has to be boolean with 2 axes; received {inside.dtype} of shape {inside.shape}")
    pieces, count = ndimage.label(inside, _EIGHT)
    if not count:
        return np.zeros((0, 2))
    largest = ndimage.binary_fill_holes(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]))
    # A rim, for find_contours leaves an outline open that meets the image's edge. Just below the level of what is
    # inside, the line all but runs through the pixels' centres, to which it is then moved.
    (traced,) = find_contours(np.pad(largest, 1).astype(float), 1 - 1e-6, fully_connected="high")
    traced = np.rint(traced[:-1, ::-1]) - 1
    outline = traced[(traced != np.roll(traced, 1, axis=0)).any(axis=1)] + _CUT_OFF + contour_origin
    return outline if polygon_mask(outline, inside.shape).any() else join_contours(mask_contours(largest))
