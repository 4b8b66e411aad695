"""Folder layouts of a phantom cohort: file names, and the table that links images and contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.data.layouts.discovery import strip_zero_padding


@dataclass(frozen=True)
class PhantomName:
    """Names of a phantom patient.

    Attributes:
        index: Index in the cohort, from 0.
        patient_id: Name among the images.
        original_id: Name among the contours, with a zero-padded number.
    """

    index: int
    patient_id: str
    original_id: str

    @property
    def unpadded_id(self) -> str:
        """`original_id` without zero padding, as in the challenge's lists."""
        return strip_zero_padding(self.original_id)

    @property
    def archive(self) -> int:
        """Number of the Cardiac Atlas Project's image archive, with nine patients per archive."""
        return self.index // 9 + 1

    @property
    def part(self) -> str:
        """The patient's part of the challenge's images."""
        return ("training", "validation", "online")[self.index % 3]

    @property
    def contour_part(self) -> str:
        """Folder of the patient's part of the challenge's contours."""
        return f"ContoursPart{3 - self.index % 3}/{self.part.capitalize()}DataContours"


@dataclass(frozen=True)
class PhantomTree:
    """One folder layout, as templates for `str.format`.

    Attributes:
        image_file: File of a frame, from `name`, `series` (number in the cohort) and `number` (of the frame).
        contour_folder: Folder of a patient's contours, from `name` and the `letter` of the border.
        patient_id: The patient's name among the images, as the reader of this tree returns it.
        original_id: The patient's name among the contours, as the reader of this tree returns it.
        table: File name, header and row per patient of the table that links the two names; empty for no table.
        decoys: Whether each patient's folder also holds decoy series.
    """

    image_file: str
    contour_folder: str
    patient_id: str
    original_id: str
    table: tuple[str, ...] = ()
    decoys: bool = False

    def names(self, name: PhantomName) -> tuple[str, str]:
        """Return `patient_id` and `original_id` as the reader of this tree returns them."""
        return self.patient_id.format(name=name), self.original_id.format(name=name)

    def image(self, name: PhantomName, series: int, number: int) -> Path:
        """Return the file of a frame."""
        return Path(self.image_file.format(name=name, series=series, number=number))

    def contour(self, name: PhantomName, letter: str, number: int) -> Path:
        """Return the file of a contour."""
        folder = self.contour_folder.format(name=name, letter=letter)
        return Path(folder, f"IM-0001-{number:04d}-{letter}contour-manual.txt")

    def write_table(self, root: Path, names: Sequence[PhantomName]) -> None:
        """Write the table that links the names, if the tree has one."""
        if self.table:
            file, header, line = self.table
            lines = [header, *(line.format(name=name) for name in names)]
            (root / file).write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


TREES = {
    "sample": PhantomTree(
        image_file="dicoms/{name.patient_id}/{number}.dcm",
        contour_folder="contourfiles/{name.original_id}/{letter}-contours",
        patient_id="{name.patient_id}",
        original_id="{name.original_id}",
        table=("link.csv", "patient_id,original_id", "{name.patient_id},{name.original_id}"),
    ),
    "cardiac-atlas": PhantomTree(
        image_file="SCD_IMAGES_{name.archive:02d}/{name.patient_id}/CINESAX_300/IM-{series:04d}-{number:04d}.dcm",
        contour_folder="SCD_ManualContours/{name.original_id}/contours-manual/IRCCI-expert",
        patient_id="{name.patient_id}",
        original_id="{name.unpadded_id}",
        table=(
            "scd_patientdata.csv",
            "PatientID,OriginalID,Gender,Age,PathologyID,Pathology",
            "{name.patient_id},{name.original_id},,,,",
        ),
    ),
    "challenge": PhantomTree(
        image_file="challenge_{name.part}/{name.unpadded_id}/IM-{series:04d}-{number:04d}.dcm",
        contour_folder="Sunnybrook Cardiac MR Database {name.contour_part}/{name.original_id}"
        "/contours-manual/IRCCI-expert",
        patient_id="{name.unpadded_id}",
        original_id="{name.unpadded_id}",
        decoys=True,
    ),
}
"""Layouts by the value of the `tree` argument of `write_phantom`."""
