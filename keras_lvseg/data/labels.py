"""Label maps drawn from contours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from keras_lvseg.errors import invalid_argument
from keras_lvseg.geometry import NetworkGrid, polygon_mask
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import Border, read_frame_contour
from keras_lvseg.studies.frame_images import read_mask

Target = Literal["endocardium", "myocardium"]
TARGETS: tuple[Target, ...] = get_args(Target)

MERGED_CLASSES = {3: (0, 2)}
"""Labels of partially labelled frames, as the losses take them: 3 is "background or myocardium"."""


def is_labelled(frame: Frame, target: Target, *, partial: bool = False) -> bool:
    """Return whether the frame has the contours, or the label image, that the target is drawn from.

    A frame without a contour is unlabelled, never empty: a missing contour does not show that there is no myocardium.

    Args:
        frame: The frame.
        target: "endocardium" or "myocardium".
        partial: Whether the endocardial contour is enough for "myocardium", see `draw_label`.
    """
    if target == "myocardium":
        return frame.endocardium is not None and (partial or frame.epicardium is not None)
    return frame.endocardium is not None or frame.mask is not None


def find_empty_frames(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """Return the frames of slices without a ventricle.

    These are the slices that an expert contoured in no phase, of patients with contours in other slices. An expert
    contours every slice with a ventricle, at end-diastole and at end-systole.

    Args:
        frames: All frames of one or more patients.

    Example:
        >>> from pathlib import Path
        >>> contoured = Frame(Path("1.dcm"), "P", "P", rows=8, columns=8, slice=0, endocardium=Path("1.txt"))
        >>> other = Frame(Path("2.dcm"), "P", "P", rows=8, columns=8, slice=1)
        >>> [frame.slice for frame in find_empty_frames([contoured, other])]
        [1]
    """
    contoured = {(frame.patient_id, frame.slice) for frame in frames if frame.endocardium is not None}
    patients = {patient for patient, _ in contoured}
    return tuple(
        frame
        for frame in frames
        if frame.patient_id in patients and (frame.patient_id, frame.slice) not in contoured and frame.mask is None
    )


def draw_label(
    frame: Frame, target: Target, contour_origin: float, grid: NetworkGrid | None = None, *, partial: bool = False
) -> np.ndarray:
    """Draw a frame's label.

    Contours are moved to the grid and then filled, so no mask is resampled. A frame with a label image has no contour
    to move: its mask is cropped or padded, as the image is.

    Args:
        frame: A frame for which `is_labelled` is true.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium).
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        grid: The grid to draw on. None draws on the frame's own.
        partial: Accept a frame without an epicardial contour for "myocardium". All but its cavity is then class 3,
            "background or myocardium", see `MERGED_CLASSES`.

    Returns:
        uint8 array of the grid's image size, or of the frame's shape. Where the endocardial contour leaves the
        epicardial one, as at the base, the pixel is cavity.

    Raises:
        ValueError: The frame is not labelled.
        DataError: A contour or a label image cannot be read.
    """
    if not is_labelled(frame, target, partial=partial):
        raise invalid_argument("frame", str(frame.path), f"a frame with the contours of {target!r}")
    if frame.mask is not None:
        mask = read_mask(frame).astype(np.uint8)
        return mask if grid is None else grid.to_network(mask)
    shape = frame.shape if grid is None else grid.image_size
    has_wall = target == "myocardium" and frame.epicardium is not None
    label = np.full(shape, 3 if target == "myocardium" and not has_wall else 0, dtype=np.uint8)
    borders: dict[Border, int] = {"epicardium": 2, "endocardium": 1} if has_wall else {"endocardium": 1}
    for border, value in borders.items():
        points = read_frame_contour(frame, border, contour_origin=contour_origin)
        label[polygon_mask(points if grid is None else grid.points_to_network(points), shape)] = value
    return label
