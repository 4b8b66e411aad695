"""What can be wrong with the outlines of one frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from keras_lvseg.geometry import crossed_area, polygon_mask
from keras_lvseg.studies.series import contour_fit, pixels_outside_image

# On the 28 pairs of the Sunnybrook sample 0.1 % is the most; with another patient's outer contours it is 20 to 60 %.
_MOST_OUTSIDE = 0.05


def outline_faults(
    pixels: np.ndarray, pixel_spacing: tuple[float, float], outlines: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Look at a frame's outlines, each by itself, against each other and against the image.

    Args:
        pixels: The frame's image, of shape (rows, columns).
        pixel_spacing: mm between rows and mm between columns.
        outlines: "endocardium" and "epicardium", as far as they are there, in zero-based pixel centres.

    Yields:
        A finding's code and message, and the outlines that it concerns.

    Example:
        >>> image = np.zeros((32, 32))
        >>> square = np.array([[8, 8], [20, 8], [20, 20], [8, 20]])
        >>> ((code, message, borders),) = outline_faults(image, (1.3, 1.3), {"endocardium": square})
        >>> print(code, borders)
        dark-blood ('endocardium',)
        >>> print(message)
        blood is not brighter than wall along the outline: the fit is 0.00, and 1 is the best
    """
    masks = {}
    for border, points in outlines.items():
        beyond = pixels_outside_image(points, pixels.shape)
        if beyond > 0:
            problem = f"leaves the image of {pixels.shape[1]} x {pixels.shape[0]} pixels by {beyond:.1f}"
            yield "outside-image", f"the {border}'s outline {problem}", (border,)
            continue
        # Less than a pixel is no more than an unsteady hand.
        crossed = crossed_area(points)
        if crossed >= 1:
            message = f"the {border}'s outline crosses itself: {crossed:.0f} pixels lie in loops"
            yield "crossed-outline", message, (border,)
        mask = polygon_mask(points, pixels.shape)
        if mask.any():
            masks[border] = mask
        else:
            yield "empty-outline", f"the {border}'s outline encloses no pixel", (border,)
    inner, outer = masks.get("endocardium"), masks.get("epicardium")
    if inner is None:
        return
    if outer is not None:
        # At the base the two may run together, so that a pixel of the cavity falls outside by its half.
        outside = float((inner & ~outer).sum() / inner.sum())
        if outside > _MOST_OUTSIDE:
            message = f"{outside:.0%} of the cavity lies outside the epicardium's outline"
            yield "inner-not-inside-outer", message, ("endocardium", "epicardium")
    fit = contour_fit(pixels, outlines["endocardium"], pixel_spacing)
    if fit <= 0:
        message = f"blood is not brighter than wall along the outline: the fit is {fit:.2f}, and 1 is the best"
        yield "dark-blood", message, ("endocardium",)
