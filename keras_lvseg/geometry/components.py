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
    components, count = ndimage.label(inside, ndimage.generate_binary_structure(2, connectivity))
    filled = np.zeros(inside.shape, dtype=bool)
    if count:
        flat_weights = None if weights is None else np.ravel(weights)
        largest = 1 + int(np.argmax(np.bincount(components.ravel(), flat_weights)[1:]))
        box = ndimage.find_objects(components)[largest - 1]
        filled[box] = ndimage.binary_fill_holes(components[box] == largest)
    return filled
