"""What a network is to find in a frame, drawn from the contours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from keras_lvseg.geometry import NetworkGrid, polygon_mask
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import Border, read_frame_contour
from keras_lvseg.studies.frame_images import read_mask

Target = Literal["endocardium", "myocardium"]
TARGETS = ("endocardium", "myocardium")


def is_labelled(frame: Frame, target: Target) -> bool:
    """Whether the frame has the contours, or the label pictures, that the target is drawn from.

    A frame without a contour is unlabelled, never empty: an outer contour that nobody drew does not say that there
    is no myocardium.
    """
    if target == "myocardium":
        return frame.endocardium is not None and frame.epicardium is not None
    return frame.endocardium is not None or frame.mask is not None


def label(frame: Frame, target: Target, contour_origin: float, grid: NetworkGrid | None = None) -> np.ndarray:
    """Draw a frame's label.

    Args:
        frame: A frame for which `is_labelled` holds.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium).
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        grid: The grid to draw on; None draws on the frame's own. The outline is moved and then filled, so that no
            mask is ever resampled. A frame that comes with a mask has no spacing to be resampled by: it is cut or
            padded, as the image is.

    Returns:
        uint8 array of the grid's image size, or of the frame's shape. Where the inner contour leaves the outer one, as
        at the base, the cavity is drawn and no myocardium.

    Raises:
        ValueError: The frame is not labelled; it is never drawn as an empty one.
        DataError: A contour or a label picture cannot be read.
    """
    if not is_labelled(frame, target):
        raise ValueError(f"{frame.path} lacks a contour that {target!r} is drawn from: it is unlabelled, not empty")
    if frame.mask is not None:
        mask = read_mask(frame).astype(np.uint8)
        return mask if grid is None else grid.from_native(mask)
    shape = frame.shape if grid is None else grid.image_size
    to_grid: Callable = (lambda points: points) if grid is None else grid.points_from_native
    drawn = np.zeros(shape, dtype=np.uint8)
    borders: dict[Border, int] = {"epicardium": 2, "endocardium": 1} if target == "myocardium" else {"endocardium": 1}
    for border, value in borders.items():
        drawn[polygon_mask(to_grid(read_frame_contour(frame, border, contour_origin)), shape)] = value
    return drawn
