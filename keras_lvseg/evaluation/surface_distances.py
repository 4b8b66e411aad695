"""Distances in mm between the surfaces of two masks.

The surface of a mask is the set of its pixels with a neighbour outside it: the mask without its erosion by the cross.
Neighbours share a side (of a voxel: a face). Everything beyond the array is outside, so in 3-D every voxel of the
first and last slice is surface. Distances are Euclidean, from pixel centre to pixel centre, and exact. MONAI's
`get_mask_edges` (without `spacing`) finds the same pixels.

Empty masks have defined distances: two empty masks are 0 mm apart, and one empty mask is infinitely far from one that
is not. MONAI 1.6 returns nan for the first, and inf for the second, or nan if a percentile is asked for. `nanmean`
drops a nan, so that the worst of all predictions would not count.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from keras_lvseg.errors import invalid_argument
from keras_lvseg.geometry.validation import boolean_mask, check_spacing


def surface_distances(mask_a: ArrayLike, mask_b: ArrayLike, *, spacing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of each mask's surface pixels to the other mask's surface.

    Args:
        mask_a: Boolean array (or 0 and 1) with 2 or 3 axes.
        mask_b: The same, of the same shape.
        spacing: mm between neighbouring pixels, one number per axis; for a frame, its `pixel_spacing`.

    Returns:
        Two arrays of distances in mm: from a's surface to b's, one per pixel of a's surface, and from b's to a's. They
        are inf towards an empty mask. The array of an empty mask is empty.

    Raises:
        ValueError: The masks differ in shape, have other than 2 or 3 axes, or values besides 0 and 1; or the spacing
            is not one positive number per axis.

    Example:
        >>> a = np.array([[1, 0, 0, 0]])
        >>> b = np.array([[0, 0, 1, 1]])
        >>> there, back = surface_distances(a, b, spacing=(1.0, 1.5))
        >>> there.tolist(), back.tolist()
        ([3.0], [3.0, 4.5])
    """
    a, b = boolean_mask("mask_a", mask_a, (2, 3)), boolean_mask("mask_b", mask_b, (2, 3))
    if a.shape != b.shape:
        raise invalid_argument("mask_b.shape", b.shape, f"{a.shape}, the shape of `mask_a`")
    sampling = check_spacing(spacing, a.ndim)
    boxes = ndimage.find_objects((a | b).astype(np.uint8))
    if not boxes:
        return np.zeros(0), np.zeros(0)
    surface_a, surface_b = _surface(a[boxes[0]]), _surface(b[boxes[0]])
    return _distances(surface_a, surface_b, sampling), _distances(surface_b, surface_a, sampling)


def average_symmetric_surface_distance(mask_a: ArrayLike, mask_b: ArrayLike, *, spacing: ArrayLike) -> float:
    """Return the mean distance in mm between two masks' surfaces, in both directions.

    It is the sum of all distances in both directions, divided by the number of pixels of both surfaces. Heimann et al.
    (2009) and Yeghiazaryan and Voiculescu (2018) define it so. MONAI's `compute_average_surface_distance` computes the
    same with `symmetric=True`; without it, it measures one way only. MedPy's `assd` is the mean of the two directions'
    means instead, in which a small surface counts as much as a large one.

    Args:
        mask_a: See `surface_distances`.
        mask_b: See `surface_distances`.
        spacing: See `surface_distances`.

    Returns:
        Distance in mm; 0.0 for two empty masks, inf if only one of them is empty.

    Raises:
        ValueError: See `surface_distances`.

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
    there, back = surface_distances(mask_a, mask_b, spacing=spacing)
    # Two sums, so that the order of the masks does not change the last digit.
    return float((there.sum() + back.sum()) / max(there.size + back.size, 1))


def hausdorff_distance(mask_a: ArrayLike, mask_b: ArrayLike, *, spacing: ArrayLike, percentile: float = 100.0) -> float:
    """Return the Hausdorff distance in mm: the largest distance from one surface to the other.

    With `percentile=95` it is the HD95 of the literature: the 95th percentile of the distances in each direction
    (linearly interpolated), and the larger of the two, as in MONAI's `compute_hausdorff_distance`. MedPy's `hd95` takes
    one percentile of both directions' distances together. That is never larger than ours, and may hide the smaller of
    two surfaces of very different sizes.

    Args:
        mask_a: See `surface_distances`.
        mask_b: See `surface_distances`.
        spacing: See `surface_distances`.
        percentile: Percentile of each direction's distances, above 0 and at most 100 (the maximum).

    Returns:
        Distance in mm; 0.0 for two empty masks, inf if only one of them is empty.

    Raises:
        ValueError: See `surface_distances`; or the percentile is out of its range.

    Example:
        >>> a = np.array([[1, 0, 0, 0]])
        >>> b = np.array([[0, 0, 1, 1]])
        >>> hausdorff_distance(a, b, spacing=(1.0, 1.5))
        4.5
        >>> hausdorff_distance(a, b, spacing=(1.0, 1.5), percentile=95)
        4.425
    """
    if not 0 < percentile <= 100:
        raise invalid_argument("percentile", percentile, "a number above 0 and at most 100")
    there, back = surface_distances(mask_a, mask_b, spacing=spacing)
    if not (there.size and back.size):
        return math.inf if there.size or back.size else 0.0
    return float(max(np.percentile(there, percentile), np.percentile(back, percentile)))


def _surface(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask)  # SciPy's defaults: the cross, and False beyond the array


def _distances(source: np.ndarray, target: np.ndarray, sampling: np.ndarray) -> np.ndarray:
    if not target.any():
        return np.full(np.count_nonzero(source), np.inf)
    return ndimage.distance_transform_edt(~target, sampling=sampling)[source]
