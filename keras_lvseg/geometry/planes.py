"""Planes of parallel slices in the patient's coordinates."""

from __future__ import annotations

import numpy as np


def slice_normal(orientation: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Unit normal of an image plane.

    Args:
        orientation: Six numbers as DICOM's ImageOrientationPatient: the direction cosines along a row, then
            those along a column.

    Returns:
        Array of shape (3,).

    Raises:
        ValueError: The two directions are not perpendicular unit vectors (to within 1e-2).

    Example:
        >>> slice_normal((1, 0, 0, 0, 1, 0)).tolist()
        [0.0, 0.0, 1.0]
    """
    along_row, along_column = np.asarray(orientation, dtype=float).reshape(2, 3)
    lengths = np.linalg.norm(along_row), np.linalg.norm(along_column)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(along_row @ along_column) > 1e-2:
        raise ValueError(f"the orientation is not a pair of perpendicular unit vectors: {tuple(orientation)}")
    normal = np.cross(along_row, along_column)
    return normal / np.linalg.norm(normal)


def slice_indices(positions: np.ndarray, tolerance: float = 0.1) -> tuple[np.ndarray, float | None]:
    """Number parallel slices by where they lie, gaps counted.

    Args:
        positions: Array of shape (frames,): each frame's distance along the common normal, in mm.
        tolerance: By how much a step may differ from a whole number of spacings, as a part of the spacing.

    Returns:
        The index of each frame's slice, from 0 at the lowest position, and the spacing in mm, centre to centre
        (None for a single slice). The smallest step counts as the spacing; a larger one leaves indices out.

    Raises:
        ValueError: The steps are no multiples of the smallest one.

    Example:
        >>> indices, spacing = slice_indices(np.array([20.0, 0.0, 0.0, 10.0, 40.0]))
        >>> indices.tolist(), spacing
        ([2, 0, 0, 1, 4], 10.0)
    """
    offsets = np.asarray(positions, dtype=float) - np.min(positions)
    # Header text is rounded to some 1e-3 mm, and no two slices are as close as a tenth of a millimetre.
    steps = np.diff(np.sort(offsets))
    steps = steps[steps > 0.1]
    if not steps.size:
        return np.zeros(len(offsets), dtype=int), None
    multiples = np.rint(steps / steps.min())
    spacing = float(steps.sum() / multiples.sum())
    places = offsets / spacing
    indices = np.rint(places).astype(int)
    if np.abs(places - indices).max() > tolerance:
        raise ValueError(f"the slices are not evenly spaced: steps of {', '.join(f'{s:.2f}' for s in steps)} mm")
    return indices, spacing
