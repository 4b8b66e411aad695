"""Files of one patient, as found in a tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class ContourFile:
    """A contour file, the InstanceNumber of its frame, and the border that it follows."""

    path: Path
    number: int
    border: Literal["endocardium", "epicardium"]


@dataclass(frozen=True)
class PatientFiles:
    """The images and contours of one patient, and the patient's name in either.

    A tree without DICOM has `frames` in place of `images` and `contours`, and `phases`: the number of phases of the
    cardiac cycle.
    """

    patient_id: str
    original_id: str
    images: tuple[Path, ...]
    contours: tuple[ContourFile, ...]
    frames: tuple[Frame, ...] = ()
    phases: int = 1
