"""What a layout says of a tree: files and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class ContourFile:
    """A contour file, the number of the frame that it outlines, and which border of the wall it follows."""

    path: Path
    number: int
    border: Literal["endocardium", "epicardium"]


@dataclass(frozen=True)
class PatientFiles:
    """One patient's images and contours, and the patient's name among either.

    A tree whose images are not DICOM files has `frames` in place of `images` and `contours`, and tells how many
    `phases` the heart's cycle was cut into.
    """

    patient_id: str
    original_id: str
    images: tuple[Path, ...]
    contours: tuple[ContourFile, ...]
    frames: tuple[Frame, ...] = ()
    phases: int = 1
