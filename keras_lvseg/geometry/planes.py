"""Planes of parallel slices in the patient's coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

LONG_AXIS = np.array([0.65, -0.66, -0.38])
"""Usual direction of the left ventricle from base to apex in DICOM's patient coordinates: left, front, feet.

The mean of the Sunnybrook sample's three patients, who differ from it by less than 5 degrees.
"""


def slice_normal(orientation: ArrayLike) -> np.ndarray:
    """Return the unit normal of an image plane.

    Args:
        orientation: Six numbers, as DICOM's ImageOrientationPatient: the direction cosines along a row, then those
            along a column.

    Returns:
        Array of shape (3,).

    Raises:
        ValueError: The two directions are not perpendicular unit vectors (to within 1e-2).

    Example:
        >>> slice_normal((1, 0, 0, 0, 1, 0)).tolist()
        [0.0, 0.0, 1.0]
    """
    directions = np.asarray(orientation, dtype=float).reshape(2, 3)
    along_row, along_column = directions
    lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(along_row @ along_column) > 1e-2:
        raise ValueError(
            f"wrong orientation; expected two perpendicular unit vectors, got {directions.ravel().tolist()}"
        )
    normal = np.cross(along_row, along_column)
    return normal / np.linalg.norm(normal)


def image_centre(
    position: ArrayLike, orientation: ArrayLike, pixel_spacing: tuple[float, float], shape: tuple[int, int]
) -> np.ndarray:
    """Return the centre of an image in patient coordinates.

    Images of one slice share it, whatever their sizes. A slight tilt moves the first pixel by centimetres along the
    normal, and the centre hardly.

    Args:
        position: Centre of the first pixel, mm.
        orientation: See `slice_normal`.
        pixel_spacing: Distance between rows and between columns, mm.
        shape: Rows and columns.

    Returns:
        Array of shape (3,), in mm.

    Example:
        >>> image_centre((0, 0, 5), (1, 0, 0, 0, 1, 0), (2, 1), (11, 101)).tolist()
        [50.0, 10.0, 5.0]
    """
    along_row, along_column = np.asarray(orientation, dtype=float).reshape(2, 3)
    right, down = (shape[1] - 1) / 2 * pixel_spacing[1], (shape[0] - 1) / 2 * pixel_spacing[0]
    return np.asarray(position, dtype=float) + right * along_row + down * along_column


def slice_indices(positions: ArrayLike, *, tolerance: float = 0.1) -> tuple[np.ndarray, float | None]:
    """Number parallel slices by their positions.

    If all steps are multiples of the smallest one, a step of several spacings skips indices. Slices that are unevenly
    spaced are numbered without gaps.

    Args:
        positions: Array of shape (frames,): each frame's position along the common normal, in mm.
        tolerance: Allowed deviation of a step from a whole number of spacings, as a fraction of the spacing.

    Returns:
        The slice index of each frame, from 0 at the lowest position, and the spacing in mm from slice centre to slice
        centre (the median step if slices are unevenly spaced, None for a single slice).

    Example:
        >>> indices, spacing = slice_indices([20.0, 0.0, 0.0, 10.0, 40.0])
        >>> indices.tolist(), spacing
        ([2, 0, 0, 1, 4], 10.0)
        >>> indices, spacing = slice_indices([0.0, 10.0, 17.0, 27.0])
        >>> indices.tolist(), spacing
        ([0, 1, 2, 3], 10.0)
    """
    offsets = np.asarray(positions, dtype=float)
    order = np.argsort(offsets)
    steps = np.diff(offsets[order], prepend=offsets[order[0]])
    # Header text is rounded to some 1e-3 mm, and different slices are more than 0.1 mm apart.
    new = steps > 0.1
    steps = steps[new]
    indices = np.zeros(len(offsets), dtype=int)
    if not steps.size:
        return indices, None
    multiples = np.rint(steps / steps.min())
    spacing = float(steps.sum() / multiples.sum())
    if np.abs(steps / spacing - multiples).max() > tolerance:
        multiples, spacing = np.ones(len(steps)), float(np.median(steps))
    skipped = np.zeros(len(offsets), dtype=int)
    skipped[new] = multiples
    indices[order] = np.cumsum(skipped)
    return indices, spacing
