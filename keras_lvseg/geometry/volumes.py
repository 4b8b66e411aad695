"""Volumes from areas, and the ejection fraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument


def stack_volume(areas_mm2: ArrayLike, slice_spacing_mm: ArrayLike) -> float:
    """Return the volume of a stack of slices: the sum of the areas times the spacing.

    Args:
        areas_mm2: Area in each slice in mm2, in any order. Empty slices may be 0 or left out.
        slice_spacing_mm: Distance in mm from slice centre to slice centre; not the thickness, if there are gaps. For
            unevenly spaced slices one number per area, see `slice_extents`.

    Returns:
        The volume in mL.

    Raises:
        ValueError: An area is negative or not finite, or the spacing is not positive.

    Example:
        >>> stack_volume([2000, 1500.0, 500], slice_spacing_mm=10)
        40.0
        >>> stack_volume([2000, 1500.0, 500], slice_spacing_mm=[10, 15, 20])
        52.5
    """
    areas = np.asarray(areas_mm2, dtype=float)
    if not (np.isfinite(areas).all() and (areas >= 0).all()):
        raise invalid_argument("areas_mm2", areas_mm2, "finite numbers of mm2, 0 or more")
    spacing = np.asarray(slice_spacing_mm, dtype=float)
    if spacing.shape not in ((), areas.shape) or not (np.isfinite(spacing) & (spacing > 0)).all():
        raise invalid_argument("slice_spacing_mm", slice_spacing_mm, "a positive number of mm, or one per area")
    return float((areas * spacing).sum() / 1000)


def slice_extents(positions_mm: ArrayLike) -> np.ndarray:
    """Return how much of the stack each slice stands for: half the way to the slice on either side.

    The first and the last slice reach as far outwards as inwards. Evenly spaced slices all get the spacing. The
    neighbours of a missing slice share its place.

    Args:
        positions_mm: Array of shape (slices,), two or more: the position of each slice's centre along the stack's
            normal in mm, in rising or falling order.

    Returns:
        Array of shape (slices,), in mm.

    Raises:
        ValueError: There are fewer than two positions, or they are not finite or not in order.

    Example:
        >>> slice_extents([0, 10, 20, 40]).tolist()
        [10.0, 10.0, 15.0, 20.0]
    """
    positions = np.asarray(positions_mm, dtype=float)
    steps = np.diff(positions)
    ordered = positions.ndim == 1 and steps.size and ((steps > 0).all() or (steps < 0).all())
    if not ordered or not np.isfinite(positions).all():
        raise invalid_argument("positions_mm", positions_mm, "two or more finite numbers in rising or falling order")
    steps = np.abs(steps)
    return (np.append(steps[0], steps) + np.append(steps, steps[-1])) / 2


def ejection_fraction(edv_ml: float, esv_ml: float) -> float:
    """Return the fraction of the end-diastolic volume that the ventricle ejects, in percent.

    Args:
        edv_ml: End-diastolic volume in mL.
        esv_ml: End-systolic volume in mL.

    Returns:
        The ejection fraction in percent. It is negative if the end-systolic volume is larger, as predicted masks may
        have it.

    Raises:
        ValueError: A volume is negative or not finite, or the end-diastolic volume is 0.

    Example:
        >>> ejection_fraction(edv_ml=120, esv_ml=45)
        62.5
    """
    if not (np.isfinite(edv_ml) and edv_ml > 0):
        raise invalid_argument("edv_ml", edv_ml, "a positive number of mL")
    if not (np.isfinite(esv_ml) and esv_ml >= 0):
        raise invalid_argument("esv_ml", esv_ml, "a finite number of mL, 0 or more")
    return float(100 * (edv_ml - esv_ml) / edv_ml)
