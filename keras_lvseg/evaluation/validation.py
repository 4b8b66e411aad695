"""What masks, spacings and contours have to look like before anything is measured on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def boolean_mask(name: str, mask: ArrayLike, axes: Sequence[int]) -> np.ndarray:
    """The mask as a boolean array; a label map, or scores, are refused rather than guessed at.

    Args:
        name: What the caller calls it.
        mask: Booleans, or numbers that are all 0 or 1.
        axes: How many axes it may have.
    """
    mask = np.asarray(mask)
    if mask.ndim not in axes:
        raise ValueError(f"{name} needs {' or '.join(map(str, axes))} axes; received shape {mask.shape}")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"{name} is a mask of true and false, or of 1 and 0; received {np.unique(mask)[:5]}"
            " among its values (of a label map, pass labels == class_id)"
        )
    return mask.astype(bool)


def spacing_of(spacing: ArrayLike, axes: int) -> np.ndarray:
    """The spacing as one positive number an axis, mm."""
    values = np.asarray(spacing, dtype=float)
    if values.shape != (axes,) or not np.isfinite(values).all() or (values <= 0).any():
        raise ValueError(f"spacing needs one positive number of mm for each of {axes} axes; received {spacing!r}")
    return values


def open_outline(name: str, contour: ArrayLike) -> np.ndarray:
    """The contour as floating-point x and y, the first point not repeated at the end."""
    points = np.asarray(contour, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{name} needs the shape (points, 2), x and y; received {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"{name} has points that are not finite numbers")
    return points[:-1] if len(points) > 1 and np.array_equal(points[0], points[-1]) else points
