"""Checks of masks, spacings and contours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument


def boolean_mask(name: str, mask: ArrayLike, axes: Sequence[int] = (2,)) -> np.ndarray:
    """Return the mask as a boolean array. Raise for label maps and scores.

    Args:
        name: The caller's name of the argument.
        mask: Booleans, or numbers that are all 0 or 1.
        axes: The allowed numbers of axes.
    """
    mask = np.asarray(mask)
    if mask.ndim not in axes:
        raise invalid_argument(f"{name}.shape", mask.shape, f"{' or '.join(map(str, axes))} axes")
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        rule = "booleans, or 0 and 1 (for one class of a label map, pass labels == class_id)"
        raise invalid_argument(name, np.unique(mask)[:5].tolist(), rule)
    return mask.astype(bool)


def check_spacing(spacing: ArrayLike, axes: int) -> np.ndarray:
    """Return the spacing as floats in mm. Raise unless it has one positive number per axis."""
    values = np.asarray(spacing, dtype=float)
    if values.shape != (axes,) or not np.isfinite(values).all() or (values <= 0).any():
        raise invalid_argument("spacing", spacing, f"a positive number of mm for each of {axes} axes")
    return values


def check_points(name: str, points: ArrayLike) -> np.ndarray:
    """Return the points as floats. Raise unless they are finite and of shape (points, 2)."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise invalid_argument(f"{name}.shape", points.shape, "(points, 2): x and y")
    if not np.isfinite(points).all():
        raise invalid_argument(name, points[~np.isfinite(points).all(axis=1)][0].tolist(), "finite numbers")
    return points


def open_contour(name: str, contour: ArrayLike) -> np.ndarray:
    """Return the contour as floats, without a last point that repeats the first one."""
    points = check_points(name, contour)
    return points[:-1] if len(points) > 1 and np.array_equal(points[0], points[-1]) else points
