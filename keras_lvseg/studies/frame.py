"""Frame: one image of a cine study, its identity and its place in space and in the cardiac cycle."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from math import nan
from pathlib import Path
from typing import Any

from keras_lvseg.geometry import image_centre
from keras_lvseg.io.dicom import Header
from keras_lvseg.io.nifti import NiftiHeader

PIXEL_SPACING_RANGE = (0.1, 10.0)
"""Accepted spacing of pixels in mm. Resampling an image with a spacing outside the range may exhaust memory."""


@dataclass(frozen=True)
class Frame:
    """One short-axis image and its contours, described without its pixels.

    Values that a file lacks keep their defaults: nan for positions and spacings in mm, empty for identities, None, and
    0 for numbers and indices.

    Attributes:
        path: The file that holds the image: DICOM, PNG, NIfTI or records.
        patient_id: The patient's name in the images.
        original_id: The patient's name in the contours; equal to `patient_id` if there is only one name, empty if the
            patient is unknown.
        instance_number: DICOM's InstanceNumber, the number in a PNG's name, or the number of an image in its file.
        sop_instance_uid: DICOM's identity of the image.
        series_instance_uid: DICOM's identity of its series.
        study_instance_uid: DICOM's identity of its study.
        frame_of_reference_uid: DICOM's identity of the coordinate system of `position`.
        rows: Image height in pixels.
        columns: Image width in pixels.
        pixel_spacing: Distance between rows and between columns, mm.
        position: Centre of the first pixel in patient coordinates, mm.
        orientation: Direction cosines along a row, then along a column.
        slice_thickness: mm.
        slice_spacing: Distance between slice centres, mm, from the positions of the study's frames. A study of one
            slice has the header's value.
        trigger_time: Time after the R wave, ms.
        slice: Index of the slice in the study, from 0, in the order of the instance numbers.
        phase: Index of the phase in the cardiac cycle, from 0.
        endocardium: The contour file, the label PNG or the label NIfTI of the cavity.
        epicardium: The contour file or the label of the area inside the epicardial border.
        mask: The file that holds the mask of the cavity, if there is a mask in place of a contour.
        record: Number of the image in `path`, from 1: a record, a frame of a DICOM file, or phase * slices + slice + 1
            in a NIfTI file. None if `path` holds a single image.
        label_values: Values of cavity and myocardium in a label NIfTI, whose images have the numbers of the image's.
        labels_include_outline: Whether the label PNGs contain the pixels of the drawn line itself. Their contours are
            then drawn by `keras_lvseg.geometry.contour_of_outlined_label`.

    Example:
        >>> frame = Frame(Path("frame.png"), "P1", "P1", rows=256, columns=216, pixel_spacing=(1.4, 1.4))
        >>> frame.shape, round(frame.pixel_area, 2), frame.phase, frame.endocardium
        ((256, 216), 1.96, 0, None)
    """

    path: Path
    patient_id: str
    original_id: str
    _: KW_ONLY
    instance_number: int = 0
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    frame_of_reference_uid: str = ""
    rows: int
    columns: int
    pixel_spacing: tuple[float, float] = (nan,) * 2
    position: tuple[float, float, float] = (nan,) * 3
    orientation: tuple[float, float, float, float, float, float] = (nan,) * 6
    slice_thickness: float | None = None
    slice_spacing: float | None = None
    trigger_time: float | None = None
    slice: int = 0
    phase: int = 0
    endocardium: Path | None = None
    epicardium: Path | None = None
    mask: Path | None = None
    record: int | None = None
    label_values: tuple[int, int] | None = None
    labels_include_outline: bool = False

    @classmethod
    def from_header(cls, header: Header, *, patient_id: str, original_id: str, **known: Any) -> Frame:
        """Return the frame of a DICOM header.

        Args:
            header: The header.
            patient_id: See `Frame`.
            original_id: See `Frame`.
            known: Further attributes of `Frame`, or better values than the header's.
        """
        own = {field.name: getattr(header, field.name) for field in fields(cls) if hasattr(header, field.name)}
        return cls(**own | known | {"patient_id": patient_id, "original_id": original_id})

    @classmethod
    def from_nifti(cls, header: NiftiHeader, place: tuple[int, int], **known: Any) -> Frame:
        """Return the frame of one image in a NIfTI file.

        Args:
            header: The header of the file.
            place: Index of the slice and of the phase in the file.
            known: Further attributes of `Frame`. By default, `slice` counts from base to apex in any file, and `phase`
                is that of the file.
        """
        slice_, phase = place
        own: dict[str, Any] = {
            "patient_id": "",
            "original_id": "",
            "record": header.number(slice_, phase),
            "instance_number": header.number(slice_, phase),
            "rows": header.rows,
            "columns": header.columns,
            "pixel_spacing": header.pixel_spacing,
            "position": header.positions[slice_],
            "orientation": header.orientation,
            "slice_spacing": header.slice_spacing,
            "slice": slice_ if header.from_base else header.slices - 1 - slice_,
            "phase": phase,
        }
        return cls(path=header.path, **own | known)

    @property
    def key(self) -> tuple[Path, int | None]:
        """File and number of the image in it, which identify the image."""
        return self.path, self.record

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.rows, self.columns

    @property
    def centre(self) -> tuple[float, float, float]:
        """Centre of the image in patient coordinates, mm. Images of one slice share it, whatever their sizes."""
        x, y, z = image_centre(self.position, self.orientation, self.pixel_spacing, self.shape).tolist()
        return x, y, z

    @property
    def pixel_area(self) -> float:
        """Area of one pixel, mm2."""
        return self.pixel_spacing[0] * self.pixel_spacing[1]
