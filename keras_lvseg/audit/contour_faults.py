"""Faults of the contours of one frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from keras_lvseg.geometry import crossed_area, polygon_mask
from keras_lvseg.studies.assembly.series import contour_fit, pixels_outside_image

# The maximum is 0.1 % on the 28 pairs of the Sunnybrook sample, and 20 to 60 % with outer contours of another patient.
_MAX_OUTSIDE = 0.05
_MIN_CROSSED_AREA = 1  # pixels; smaller loops come from an unsteady hand
_ADJECTIVES = {"endocardium": "endocardial", "epicardium": "epicardial"}


def contour_faults(
    pixels: np.ndarray, pixel_spacing: tuple[float, float], contours: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Check the contours of a frame: each one, one against the other, and against the image.

    Args:
        pixels: The image, of shape (rows, columns).
        pixel_spacing: mm between rows and mm between columns.
        contours: Points of "endocardium" and "epicardium", as far as the frame has them, in zero-based pixel centres.

    Yields:
        Code and message of a fault, and the borders of the contours concerned.

    Example:
        >>> image = np.zeros((32, 32))
        >>> square = np.array([[8, 8], [20, 8], [20, 20], [8, 20]])
        >>> ((code, message, borders),) = contour_faults(image, (1.3, 1.3), {"endocardium": square})
        >>> print(code, borders)
        dark-blood ('endocardium',)
        >>> print(message)
        blood is not brighter than the wall along the contour: the fit is 0.00, the best fit is 1
    """
    masks = {}
    for border, points in contours.items():
        name = f"the {_ADJECTIVES[border]} contour"
        outside = pixels_outside_image(points, pixels.shape)
        if outside > 0:
            size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
            yield "outside-image", f"{name} leaves the image of {size} by {outside:.1f} pixels", (border,)
            continue
        crossed = crossed_area(points)
        if crossed >= _MIN_CROSSED_AREA:
            yield "crossed-contour", f"{name} crosses itself: loops contain {crossed:.0f} pixels", (border,)
        mask = polygon_mask(points, pixels.shape)
        if mask.any():
            masks[border] = mask
        else:
            yield "empty-contour", f"{name} encloses no pixel", (border,)
    inner, outer = masks.get("endocardium"), masks.get("epicardium")
    if inner is None:
        return
    if outer is not None:
        # At the base both contours may coincide. A pixel on the border is then in one mask only.
        fraction = float((inner & ~outer).sum() / inner.sum())
        if fraction > _MAX_OUTSIDE:
            message = f"{fraction:.0%} of the cavity is outside the epicardial contour"
            yield "inner-not-inside-outer", message, ("endocardium", "epicardium")
    fit = contour_fit(pixels, contours["endocardium"], pixel_spacing)
    if fit <= 0:
        message = f"blood is not brighter than the wall along the contour: the fit is {fit:.2f}, the best fit is 1"
        yield "dark-blood", message, ("endocardium",)
