"""The tree of the 2009 challenge: one folder per patient with several series, contours in three parts.

    challenge_training/SC-HF-I-1/IM-0004-0059.dcm
    Sunnybrook Cardiac MR Database ContoursPart3/TrainingDataContours/SC-HF-I-01/contours-manual/IRCCI-expert/
        IM-0001-0059-icontour-manual.txt

`challenge_validation/` belongs to Part 2, `challenge_online/` to Part 1. Patients are recognised by their own folders.
The folders above may have any name, and one part may be unpacked into another.
Verified on files of the Sunnybrook sample in this layout, and on phantoms. No original copy was available.
"""

from __future__ import annotations

import re
from pathlib import Path

from keras_lvseg.data.layouts.discovery import (
    find_expert_contours,
    list_files,
    list_subfolders,
    require_inside,
    strip_zero_padding,
)
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "challenge_*/<original_id>/IM-*.dcm beside <original_id>/contours-manual/IRCCI-expert/*.txt"

_PATIENT = re.compile(r"[A-Za-z]+(-[A-Za-z]+)*-(\d+)")  # SC-HF-I-1, SC-N-02
_IMAGE = re.compile(r"IM-\d+-\d+\.dcm", re.IGNORECASE)


def matches(root: Path) -> bool:
    """Return whether `root` is such a tree."""
    return any(_is_patient(folder) for folder in list_subfolders(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List the patients by name and number.

    A patient without contours is unlabelled. Contours without images are left out, because images and contours come
    in three parts each, and one part of each is enough. Which series the contours belong to is decided later.

    Raises:
        DataError: A patient has two folders or no images, or a link leads out of the tree.
    """
    folders = list_subfolders(root)
    require_inside(root, folders)
    contours = find_expert_contours(root, folders)
    patients: dict[str, PatientFiles] = {}
    for folder in sorted(filter(_is_patient, folders), key=_name_and_number):
        name = strip_zero_padding(folder.name)
        if name in patients:
            raise DataError(folder, f"has images of {name}, as {patients[name].images[0].parent} has", "keep one copy")
        images = list_files(root, folder, ".dcm")
        if not images:
            raise DataError(folder, "has no .dcm file", expected="the patient's images")
        patients[name] = PatientFiles(folder.name, name, images, contours.get(name, ()))
    return tuple(patients.values())


def _is_patient(folder: Path) -> bool:
    if not _PATIENT.fullmatch(folder.name):
        return False
    # A link is not followed before `require_inside` has checked it.
    return folder.is_symlink() or any(_IMAGE.fullmatch(path.name) for path in folder.glob("*"))


def _name_and_number(folder: Path) -> tuple[str, int]:
    group, number = folder.name.rsplit("-", 1)
    return group, int(number)
