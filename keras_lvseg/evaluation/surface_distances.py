"""Distances in mm between the surfaces of two masks.

The surface of a mask is those of its pixels that have a neighbour outside it, neighbours being pixels that share a
side (of a voxel: a face), and what lies beyond the array is outside: the mask without its erosion by the cross. In
3-D every voxel of a first or last slice is surface, therefore. Distances are Euclidean, from pixel centre to pixel
centre, and exact. MONAI's `get_mask_edges` (without `spacing`) finds the same pixels.

Where a mask is empty, nothing is left undefined: two empty masks agree, and are 0 mm apart; one empty mask is
infinitely far from one that is not. (MONAI 1.6 answers the first with nan, and the second with inf, or with nan if a
percentile is asked for. A nan is dropped by `nanmean`, so that the worst of all predictions would not count at all.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from keras_lvseg.evaluation.validation import boolean_mask, spacing_of


def surface_distances(mask_a: ArrayLike, mask_b: ArrayLike, spacing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel of either mask's surface lies from the other mask's surface.

    Args:
        mask_a: Boolean array (or of 0 and 1) with 2 or 3 axes.
        mask_b: The same, of the same shape.
        spacing: mm between neighbouring pixels, one number an axis; of a frame, its `pixel_spacing`.

    Returns:
        Two arrays of distances in mm: from a's surface to b's, one for each pixel of a's surface, and from b's to
        a's. Towards an empty mask they are all inf, from an empty mask there are none.

    Raises:
        ValueError: Masks of different shapes, of other than 2 or 3 axes, or with values besides 0 and 1; a spacing
            that is not one positive number an axis.

    Example:
        >>> a = np.array([[1, 0, 0, 0]])
        >>> b = np.array([[0, 0, 1, 1]])
        >>> there, back = surface_distances(a, b, spacing=(1.0, 1.5))
        >>> there.tolist(), back.tolist()
        ([3.0], [3.0, 4.5])
    """
    a, b = boolean_mask("mask_a", mask_a, (2, 3)), boolean_mask("mask_b", mask_b, (2, 3))
    if a.shape != b.shape:
        raise ValueError(f"the masks need one shape; received {a.shape} and {b.shape}")
    sampling = spacing_of(spacing, a.ndim)
    boxes = ndimage.find_objects((a | b).astype(np.uint8))
    if not boxes:
        return np.zeros(0), np.zeros(0)
    surface_a, surface_b = _surface(a[boxes[0]]), _surface(b[boxes[0]])
    return _distances(surface_a, surface_b, sampling), _distances(surface_b, surface_a, sampling)


def average_symmetric_surface_distance(mask_a: ArrayLike, mask_b: ArrayLike, spacing: ArrayLike) -> float:
    """Mean distance in mm between two masks' surfaces, in both directions.

    The sum of all distances, there and back, divided by the number of pixels of both surfaces, as Heimann et al.
    (2009) and Yeghiazaryan and Voiculescu (2018) define it, and as MONAI's `compute_average_surface_distance` does
    with `symmetric=True` (without it, it measures one way only). MedPy's `assd` is the mean of the two directions'
    means, which lets a small surface count as much as a large one.

    Args:
        mask_a: As of `surface_distances`.
        mask_b: As of `surface_distances`.
        spacing: As of `surface_distances`.

    Returns:
        Distance in mm; 0.0 for two empty masks, inf where one of them is empty.

    Raises:
        ValueError: As `surface_distances`.

    Example:
        >>> a = np.array([[1, 0, 0, 0]])
        >>> b = np.array([[0, 0, 1, 1]])
        >>> average_symmetric_surface_distance(a, b, spacing=(1.0, 1.5))
        3.5

    References:
        T. Heimann et al., "Comparison and evaluation of methods for liver segmentation from CT datasets", IEEE
        Transactions on Medical Imaging 28(8), 2009, doi:10.1109/TMI.2009.2013851.
        V. Yeghiazaryan, I. Voiculescu, "Family of boundary overlap metrics for the evaluation of medical image
        segmentation", Journal of Medical Imaging 5(1), 2018, doi:10.1117/1.JMI.5.1.015006.
    """
    there, back = surface_distances(mask_a, mask_b, spacing)
    # Two sums and not one: to the last digit, it does not matter which mask comes first.
    return float((there.sum() + back.sum()) / max(there.size + back.size, 1))


def hausdorff_distance(mask_a: ArrayLike, mask_b: ArrayLike, spacing: ArrayLike, percentile: float = 100.0) -> float:
    """Hausdorff distance in mm: how far the surfaces are apart where they are farthest apart.

    With `percentile=95` it is what papers call HD95: the 95th percentile of the distances in each direction
    (linearly interpolated between the two nearest), and the larger of the two, as in MONAI's
    `compute_hausdorff_distance`. MedPy's `hd95` takes one percentile of both directions' distances together, which
    is never larger than ours, and with surfaces of very different sizes may hide the smaller one altogether.

    Args:
        mask_a: As of `surface_distances`.
        mask_b: As of `surface_distances`.
        spacing: As of `surface_distances`.
        percentile: Which percentile of each direction's distances; over 0, at most 100, which is the maximum.

    Returns:
        Distance in mm; 0.0 for two empty masks, inf where one of them is empty.

    Raises:
        ValueError: As `surface_distances`, or a percentile that is none.

    Example:
        >>> a = np.array([[1, 0, 0, 0]])
        >>> b = np.array([[0, 0, 1, 1]])
        >>> hausdorff_distance(a, b, spacing=(1.0, 1.5))
        4.5
        >>> hausdorff_distance(a, b, spacing=(1.0, 1.5), percentile=95)
        4.425
    """
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile needs to be over 0 and at most 100; received {percentile}")
    there, back = surface_distances(mask_a, mask_b, spacing)
    if not (there.size and back.size):
        return math.inf if there.size or back.size else 0.0
    return float(max(np.percentile(there, percentile), np.percentile(back, percentile)))


def _surface(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask)  # the cross, and False beyond the array, are SciPy's own defaults


def _distances(source: np.ndarray, target: np.ndarray, sampling: np.ndarray) -> np.ndarray:
    if not target.any():
        return np.full(np.count_nonzero(source), np.inf)
    return ndimage.distance_transform_edt(~target, sampling=sampling)[source]
