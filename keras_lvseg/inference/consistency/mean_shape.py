"""Shapes midway between others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def mean_shape(masks: Sequence[np.ndarray], spacing: tuple[float, float]) -> np.ndarray:
    """Return the mask with borders midway between those of other masks, and with their mean area.

    A pixel's mean signed distance from the borders tells how far inside it is. This is the shape-based interpolation
    of Raya and Udupa, "Shape-based interpolation of multidimensional objects", 1990.

    Args:
        masks: Class numbers of shape (rows, columns): 0 is the background, 1 the cavity, 2 the myocardium around it.
        spacing: Pixel spacing in mm, between rows and between columns.

    Returns:
        Class numbers of shape (rows, columns), uint8.

    Example:
        >>> small, large = np.zeros((2, 9, 9), np.uint8)
        >>> small[3:6, 3:6] = large[1:8, 1:8] = 1
        >>> (mean_shape([small, large], (1.0, 1.0)) == 1).sum(axis=1)
        array([0, 1, 5, 5, 7, 5, 5, 1, 0])
    """
    result = np.zeros(masks[0].shape, np.uint8)
    if any((mask == 2).any() for mask in masks):
        result[_midway([mask > 0 for mask in masks], spacing)] = 2
    result[_midway([mask == 1 for mask in masks], spacing)] = 1
    return result


def mean_probabilities(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Return the normalized geometric mean of class probabilities.

    Args:
        probabilities: Arrays of shape (classes, rows, columns).
    """
    mean = np.exp(np.mean([np.log(np.clip(own, 1e-4, 1)) for own in probabilities], axis=0))
    return mean / mean.sum(axis=0)


def _midway(shapes: Sequence[np.ndarray], spacing: tuple[float, float]) -> np.ndarray:
    area = round(float(np.mean([np.count_nonzero(own) for own in shapes])))
    if not area or not all(own.any() for own in shapes):
        return np.zeros(shapes[0].shape, bool)
    depth = np.mean([_signed_distance(own, spacing) for own in shapes], axis=0)
    # Between borders one pixel apart, all pixels have a mean of 0. Those with more of the shapes around are inside.
    around = ndimage.gaussian_filter(np.mean(shapes, axis=0), 1.0)
    depth = np.round(depth + 0.01 * min(spacing) * around, 6)  # so that a mirrored image has the mirrored mask
    # A small shape at the edge of a large one has no border midway: the distances alone would leave both shapes.
    depth[np.all(shapes, axis=0)], depth[~np.any(shapes, axis=0)] = np.inf, -np.inf
    return depth >= np.partition(depth, -area, axis=None)[-area]


def _signed_distance(inside: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Return the distance to the nearest pixel of the other kind in mm, negative outside."""
    edge = ndimage.distance_transform_edt
    return edge(inside, sampling=spacing) - edge(~inside, sampling=spacing)
