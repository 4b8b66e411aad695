"""Frame: one image of a cine study, with its identity and its place in space and in the heart's cycle."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

PIXEL_SPACING_RANGE = (0.1, 10.0)
"""mm between pixels; beyond these no heart was ever imaged, and to resample may take for ever."""


@dataclass(frozen=True)
class Frame:
    """One short-axis image and the contours that belong to it; nothing of it is read yet but the header.

    Attributes:
        path: The DICOM file, the picture, or the file of records that the frame stands in.
        patient_id: The patient's name among the images.
        original_id: The patient's name among the contours; the same as `patient_id` where there is but one, and
            empty where it is not known whose image it is.
        instance_number: DICOM's InstanceNumber; a picture's number in its name; a record's number in its file, where
            it has no other.
        sop_instance_uid: DICOM's identity of this image.
        series_instance_uid: Of its series.
        study_instance_uid: Of its study.
        frame_of_reference_uid: Of the space that `position` is given in; empty where the header has none.
        rows: Image height in pixels.
        columns: Image width in pixels.
        pixel_spacing: mm between rows and mm between columns.
        position: Where the centre of the first pixel lies in the patient, mm.
        orientation: Direction cosines along a row, then along a column.
        slice_thickness: mm, None where the header is silent.
        slice_spacing: mm from slice centre to slice centre, by the positions of the study's frames; the header's
            value for a study of one slice.
        trigger_time: ms after the R wave, None where the header is silent.
        slice: Index of the slice in the study, from 0, in the order of the instance numbers.
        phase: Index of the phase in the heart's cycle, from 0.
        endocardium: The contour file of the left ventricle's cavity, or a label picture of it; None where the frame has
            neither.
        epicardium: The same of all that lies inside the outer wall's border.
        mask: The file that holds the cavity's mask, where it is a mask and no contour.
        offset: The byte of `path` that the frame's record begins at, None where `path` is a file of its own. What
            records and pictures do not tell is nan (lengths in mm), empty (identities), and 0 (a record's phase).
        repaired: Whether label pictures' outlines are drawn as `keras_lvseg.geometry.repaired_outline` has them.
    """

    path: Path
    patient_id: str
    original_id: str
    instance_number: int
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    rows: int
    columns: int
    pixel_spacing: tuple[float, float]
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    slice_thickness: float | None
    slice_spacing: float | None
    trigger_time: float | None
    slice: int
    phase: int
    endocardium: Path | None = None
    epicardium: Path | None = None
    mask: Path | None = None
    offset: int | None = None
    repaired: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def pixel_area(self) -> float:
        """Area of a pixel in mm2."""
        return self.pixel_spacing[0] * self.pixel_spacing[1]


def headless_frame(path: Path, names: tuple[str, str], shape: tuple[int, int], **told: Any) -> Frame:
    """A frame whose file has no header, or none that places it.

    Args:
        path: The file.
        names: `patient_id` and `original_id`.
        shape: Rows and columns.
        told: What else is known, as attributes of `Frame`. What is not is nan (lengths), empty (identities), None
            and 0.
    """
    unknown: dict[str, Any] = {
        "instance_number": 0,
        "sop_instance_uid": "",
        "series_instance_uid": "",
        "study_instance_uid": "",
        "frame_of_reference_uid": "",
        "pixel_spacing": (nan,) * 2,
        "position": (nan,) * 3,
        "orientation": (nan,) * 6,
        "slice_thickness": None,
        "slice_spacing": None,
        "trigger_time": None,
        "slice": 0,
        "phase": 0,
    }
    patient_id, original_id = names
    rows, columns = shape
    return Frame(path, patient_id, original_id, rows=rows, columns=columns, **unknown | told)
