"""Connected components of masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from keras_lvseg.geometry.validation import boolean_mask


def largest_component(mask: ArrayLike, *, weights: ArrayLike | None = None, connectivity: int = 1) -> np.ndarray:
    """Return the largest connected component of a mask, with its holes filled.

    Of equally large components it is the one that begins first, row by row.

    Args:
        mask: Boolean array (or 0 and 1) of shape (rows, columns).
        weights: Weight per pixel, of the mask's shape. The component with the largest sum of weights counts as the
            largest. None weights all pixels equally.
        connectivity: 1 connects pixels that share a side, 2 also those that share a corner.

    Returns:
        Boolean array of the mask's shape; all False for an empty mask.

    Raises:
        ValueError: The mask has other values or axes.

    Example:
        >>> largest_component(np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])).astype(int)
        array([[1, 1, 1, 0],
               [1, 1, 1, 0],
               [1, 1, 1, 0],
               [0, 0, 0, 0]])
    """
    inside = boolean_mask("mask", mask)
    filled = np.zeros(inside.shape, dtype=bool)
    if not inside.any():
        return filled
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)  # a heart is a tenth of an image
    components, _ = ndimage.label(inside[box], ndimage.generate_binary_structure(2, connectivity))
    flat_weights = None if weights is None else np.asarray(weights)[box].ravel()
    largest = 1 + int(np.argmax(np.bincount(components.ravel(), flat_weights)[1:]))
    filled[box] = ndimage.binary_fill_holes(components == largest)
    return filled
