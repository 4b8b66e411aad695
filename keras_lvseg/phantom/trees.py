"""The trees that a phantom cohort is written in: where each file goes, and what table lies beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.data.layouts.discovery import strip_zero_padding


@dataclass(frozen=True)
class PhantomName:
    """A phantom patient's place in a cohort, and its names.

    Attributes:
        index: From 0.
        patient_id: Among the images.
        original_id: Among the contours, with a padded number.
    """

    index: int
    patient_id: str
    original_id: str

    @property
    def strip_zero_padding(self) -> str:
        """`original_id` as the challenge's lists have such names."""
        return strip_zero_padding(self.original_id)

    @property
    def archive(self) -> int:
        """The Cardiac Atlas Project's archive of images, nine patients in each."""
        return self.index // 9 + 1

    @property
    def part(self) -> str:
        """The challenge's part of the images."""
        return ("training", "validation", "online")[self.index % 3]

    @property
    def contour_part(self) -> str:
        """The challenge's part of the contours."""
        return f"ContoursPart{3 - self.index % 3}/{self.part.capitalize()}DataContours"


@dataclass(frozen=True)
class PhantomTree:
    """One arrangement of files, in words that `str.format` fills in.

    Attributes:
        image_file: Of a frame: its `name`, its `series` among the cohort's and its `number`.
        contour_folder: Of a patient's contours: the `name`, and the `letter` of the border.
        patient_id: The name among the images that this tree's reader gives.
        original_id: The name among the contours that it gives.
        table: Name, first line, and a line for each patient of the list that links the two; empty without one.
        decoys: Whether each patient's folder holds other series too.
    """

    image_file: str
    contour_folder: str
    patient_id: str
    original_id: str
    table: tuple[str, ...] = ()
    decoys: bool = False

    def names(self, name: PhantomName) -> tuple[str, str]:
        """`patient_id` and `original_id` as this tree's reader gives them."""
        return self.patient_id.format(name=name), self.original_id.format(name=name)

    def image(self, name: PhantomName, series: int, number: int) -> Path:
        """A frame's file in the tree."""
        return Path(self.image_file.format(name=name, series=series, number=number))

    def contour(self, name: PhantomName, letter: str, number: int) -> Path:
        """A contour's file in the tree."""
        folder = self.contour_folder.format(name=name, letter=letter)
        return Path(folder, f"IM-0001-{number:04d}-{letter}contour-manual.txt")

    def write_table(self, root: Path, names: Sequence[PhantomName]) -> None:
        """Write the list that links names, where the tree has one."""
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
        original_id="{name.strip_zero_padding}",
        table=(
            "scd_patientdata.csv",
            "PatientID,OriginalID,Gender,Age,PathologyID,Pathology",
            "{name.patient_id},{name.original_id},,,,",
        ),
    ),
    "challenge": PhantomTree(
        image_file="challenge_{name.part}/{name.strip_zero_padding}/IM-{series:04d}-{number:04d}.dcm",
        contour_folder="Sunnybrook Cardiac MR Database {name.contour_part}/{name.original_id}"
        "/contours-manual/IRCCI-expert",
        patient_id="{name.strip_zero_padding}",
        original_id="{name.strip_zero_padding}",
        decoys=True,
    ),
}
"""By the name that `write_phantom` takes."""
