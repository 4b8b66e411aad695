"""Planes of parallel slices in the patient's coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


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


def slice_indices(positions: ArrayLike, *, tolerance: float = 0.1) -> tuple[np.ndarray, float | None]:
    """Number parallel slices by their positions, gaps included.

    The smallest step between positions is the spacing. A step of several spacings skips indices.

    Args:
        positions: Array of shape (frames,): each frame's position along the common normal, in mm.
        tolerance: Allowed deviation of a step from a whole number of spacings, as a fraction of the spacing.

    Returns:
        The slice index of each frame, from 0 at the lowest position, and the spacing in mm from slice centre to slice
        centre (None for a single slice).

    Raises:
        ValueError: The steps are not multiples of the smallest one.

    Example:
        >>> indices, spacing = slice_indices([20.0, 0.0, 0.0, 10.0, 40.0])
        >>> indices.tolist(), spacing
        ([2, 0, 0, 1, 4], 10.0)
    """
    offsets = np.asarray(positions, dtype=float) - np.min(positions)
    # Header text is rounded to some 1e-3 mm, and different slices are more than 0.1 mm apart.
    steps = np.diff(np.sort(offsets))
    steps = steps[steps > 0.1]
    if not steps.size:
        return np.zeros(len(offsets), dtype=int), None
    multiples = np.rint(steps / steps.min())
    spacing = float(steps.sum() / multiples.sum())
    places = offsets / spacing
    indices = np.rint(places).astype(int)
    if np.abs(places - indices).max() > tolerance:
        raise ValueError(f"slices are not evenly spaced; got steps of {', '.join(f'{s:.2f}' for s in steps)} mm")
    return indices, spacing
