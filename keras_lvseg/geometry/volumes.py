"""Volumes from areas, and the ejection fraction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument


def stack_volume(areas_mm2: ArrayLike, slice_spacing_mm: float) -> float:
    """Return the volume of a stack of slices: the sum of the areas times the spacing.

    Args:
        areas_mm2: Area in each slice in mm2, in any order. Empty slices may be 0 or left out.
        slice_spacing_mm: Distance in mm from slice centre to slice centre; not the thickness, if there are gaps.

    Returns:
        The volume in mL.

    Raises:
        ValueError: An area is negative or not finite, or the spacing is not positive.

    Example:
        >>> stack_volume([2000, 1500.0, 500], slice_spacing_mm=10)
        40.0
    """
    areas = np.asarray(areas_mm2, dtype=float)
    if not (np.isfinite(areas).all() and (areas >= 0).all()):
        raise invalid_argument("areas_mm2", areas_mm2, "finite numbers of mm2, 0 or more")
    if not (np.isfinite(slice_spacing_mm) and slice_spacing_mm > 0):
        raise invalid_argument("slice_spacing_mm", slice_spacing_mm, "a positive number of mm")
    return float(areas.sum() * slice_spacing_mm / 1000)


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
