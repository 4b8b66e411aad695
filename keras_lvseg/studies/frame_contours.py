"""A frame's outlines, from whatever kind of file holds them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from keras_lvseg.geometry import CONTOUR_ORIGIN, contour_of_outlined_label, join_contours, mask_contours
from keras_lvseg.io import read_contour
from keras_lvseg.io.png import is_png, read_png_label
from keras_lvseg.studies.frame import Frame

Border = Literal["endocardium", "epicardium"]


def read_frame_contour(frame: Frame, border: Border, contour_origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """Read one of a frame's outlines.

    Args:
        frame: A frame that has it.
        border: Which one.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres. A label picture as it is has
            pixels and no coordinates: its outline runs along their edges, wherever contours are taken to lie.
            Repaired, it is a contour again.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres. A label picture of several parts, or with
        holes, gives one line around all of them, as `keras_lvseg.geometry.join_contours` does.

    Raises:
        DataError: The file cannot be read.
    """
    path = getattr(frame, border)
    assert path is not None, f"{frame.path} has no {border}"
    return read_contour_or_label(path, contour_origin, frame.labels_include_outline)


def read_contour_or_label(path: Path, contour_origin: float, labels_include_outline: bool = False) -> np.ndarray:
    """`read_frame_contour` of a contour file or a label picture by itself."""
    if not is_png(path):
        return read_contour(path, origin=contour_origin)
    mask = read_png_label(path)
    if labels_include_outline:
        return contour_of_outlined_label(mask, contour_origin=contour_origin)
    return join_contours(mask_contours(mask))
