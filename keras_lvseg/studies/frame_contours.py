"""Contours of a frame, from a contour file, a label PNG or a label NIfTI."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from keras_lvseg.geometry import CONTOUR_ORIGIN, contour_of_outlined_label, join_contours, mask_contours
from keras_lvseg.io import read_contour, read_png_label
from keras_lvseg.io.nifti import is_nifti, read_nifti_pixels
from keras_lvseg.io.png import is_png
from keras_lvseg.studies.frame import Frame

Border = Literal["endocardium", "epicardium"]


def read_frame_contour(frame: Frame, border: Border, *, contour_origin: float = CONTOUR_ORIGIN) -> np.ndarray:
    """Read one contour of a frame.

    Args:
        frame: A frame with a contour of this border.
        border: "endocardium" or "epicardium".
        contour_origin: Added to a contour's x and y to get zero-based pixel centres. It does not move a label,
            whose contour runs along the edges of its pixels, unless the label includes the outline: its contour is
            then that of the drawn line.

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres. A label of several parts, or with holes, gives
        one line around all of them, see `keras_lvseg.geometry.join_contours`.

    Raises:
        DataError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.io import write_contour
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_contour(folder / "contour.txt", np.array([[4.0, 4.0], [9.0, 4.0], [4.0, 9.0]]))
        >>> contour_file = folder / "contour.txt"
        >>> frame = Frame(Path("1.dcm"), "P1", "O1", rows=16, columns=16, endocardium=contour_file)
        >>> read_frame_contour(frame, "endocardium").tolist()
        [[4.0, 4.0], [9.0, 4.0], [4.0, 9.0]]
    """
    path = getattr(frame, border)
    assert path is not None, f"{frame.path} has no {border}"
    if is_nifti(path):
        return join_contours(mask_contours(_read_nifti_label(frame, path, border)))
    if not is_png(path):
        return read_contour(path, origin=contour_origin)
    mask = read_png_label(path)
    if frame.labels_include_outline:
        return contour_of_outlined_label(mask, contour_origin=contour_origin)
    return join_contours(mask_contours(mask))


def _read_nifti_label(frame: Frame, path: Path, border: Border) -> np.ndarray:
    assert frame.record is not None
    assert frame.label_values is not None
    inside = frame.label_values[:1] if border == "endocardium" else frame.label_values
    return np.isin(read_nifti_pixels(path, frame.record), inside)
