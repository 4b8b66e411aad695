"""What a network is to find in a frame, drawn from the contours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from keras_lvseg.data.frames import Frame
from keras_lvseg.geometry import NetworkGrid, polygon_mask, read_contour

Target = Literal["endocardium", "myocardium"]
TARGETS = ("endocardium", "myocardium")


def is_labelled(frame: Frame, target: Target) -> bool:
    """Whether the frame has the contours that the target is drawn from.

    A frame without a contour is unlabelled, never empty: an outer contour that nobody drew does not say that there
    is no myocardium.
    """
    if target == "myocardium":
        return frame.endocardium is not None and frame.epicardium is not None
    return frame.endocardium is not None


def label(frame: Frame, target: Target, contour_origin: float, grid: NetworkGrid | None = None) -> np.ndarray:
    """Draw a frame's label.

    Args:
        frame: A frame for which `is_labelled` holds.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium).
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        grid: The grid to draw on; None draws on the frame's own. The outline is moved and then filled, so that no
            mask is ever resampled.

    Returns:
        uint8 array of the grid's image size, or of the frame's shape.
    """
    shape = frame.shape if grid is None else grid.image_size
    to_grid: Callable = (lambda points: points) if grid is None else grid.points_from_native
    drawn = np.zeros(shape, dtype=np.uint8)
    borders = [(frame.epicardium, 2)] if target == "myocardium" else []
    for path, value in [*borders, (frame.endocardium, 1)]:
        assert path is not None, f"{frame.path} is not labelled"
        drawn[polygon_mask(to_grid(read_contour(path, contour_origin)), shape)] = value
    return drawn
