"""Volumes by summed areas, and what a heart ejects of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def stack_volume(areas_mm2: ArrayLike, slice_spacing_mm: float) -> float:
    """Volume of a stack of slices: each slice's area stands for the whole way to the next one.

    Args:
        areas_mm2: Area in each slice in mm2, in any order; a slice in which there is nothing may be 0 or left out.
        slice_spacing_mm: Distance in mm from slice centre to slice centre (not the thickness, where there are gaps).

    Returns:
        The volume in mL.

    Raises:
        ValueError: An area is negative or no number, or the spacing is not positive.

    Example:
        >>> stack_volume([2000, 1500.0, 500], slice_spacing_mm=10)
        40.0
    """
    areas = np.asarray(areas_mm2, dtype=float)
    if not (np.isfinite(areas).all() and (areas >= 0).all()):
        raise ValueError(f"areas_mm2 have to be numbers of mm2, 0 or more; received {areas_mm2!r}")
    if not (np.isfinite(slice_spacing_mm) and slice_spacing_mm > 0):
        raise ValueError(f"slice_spacing_mm has to be a positive number of mm; received {slice_spacing_mm!r}")
    return float(areas.sum() * slice_spacing_mm / 1000)


def ejection_fraction(edv_ml: float, esv_ml: float) -> float:
    """The part of the end-diastolic volume that the heart ejects.

    Args:
        edv_ml: End-diastolic volume in mL.
        esv_ml: End-systolic volume in mL.

    Returns:
        The ejection fraction in percent; negative where the end-systolic volume is the larger one, as it may be of
        predicted masks.

    Raises:
        ValueError: A volume is negative or no number, or the end-diastolic one is 0.

    Example:
        >>> ejection_fraction(edv_ml=120, esv_ml=45)
        62.5
    """
    if not (np.isfinite([edv_ml, esv_ml]).all() and edv_ml > 0 and esv_ml >= 0):
        raise ValueError(f"volumes have to be positive numbers of mL; received edv_ml={edv_ml!r}, esv_ml={esv_ml!r}")
    return float(100 * (edv_ml - esv_ml) / edv_ml)
