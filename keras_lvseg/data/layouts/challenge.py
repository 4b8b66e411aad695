"""The challenge's own tree: one folder a patient with several series in it, contours in three parts.

    challenge_training/SC-HF-I-1/IM-0004-0059.dcm
    Sunnybrook Cardiac MR Database ContoursPart3/TrainingDataContours/SC-HF-I-01/contours-manual/IRCCI-expert/
        IM-0001-0059-icontour-manual.txt

and so for `challenge_validation/` with Part 2, and `challenge_online/` with Part 1. Patients are told by their
folders alone, so that it does not matter what the folders above are called, or whether one was unpacked into another.
Verified on the Sunnybrook sample's files, laid out anew like this, and on phantoms; no original copy was at hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from keras_lvseg.data.layouts.discovery import check_inside, expert_contours, files_of, strip_zero_padding, subfolders
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "challenge_*/<original_id>/IM-*.dcm beside <original_id>/contours-manual/IRCCI-expert/*.txt"

_PATIENT = re.compile(r"[A-Za-z]+(-[A-Za-z]+)*-(\d+)")  # SC-HF-I-1, SC-N-02
_IMAGE = re.compile(r"IM-\d+-\d+\.dcm", re.IGNORECASE)


def matches(root: Path) -> bool:
    """Whether `root` holds such a tree."""
    return any(_is_patient(folder) for folder in subfolders(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List its patients, by name and number.

    A patient without contours is unlabelled. Contours without images are left out: images and contours come in
    three parts each, and no more than one of either has to be there. Which series the contours belong to is not
    decided here.

    Raises:
        DataError: A patient is there twice, or something leads out of the tree.
    """
    folders = subfolders(root)
    check_inside(root, folders)
    contours = expert_contours(root, folders)
    patients: dict[str, PatientFiles] = {}
    for folder in sorted(filter(_is_patient, folders), key=_by_number):
        name = strip_zero_padding(folder.name)
        if name in patients:
            raise DataError(folder, f"holds {name}, and so does {patients[name].images[0].parent}", "keep one copy")
        images = files_of(root, folder, ".dcm")
        if not images:
            raise DataError(folder, "holds no .dcm file", "a patient's images lie in the patient's folder")
        patients[name] = PatientFiles(folder.name, name, images, contours.get(name, ()))
    return tuple(patients.values())


def _is_patient(folder: Path) -> bool:
    if not _PATIENT.fullmatch(folder.name):
        return False
    # Behind a link nothing is looked at before it is known to lead into the tree.
    return folder.is_symlink() or any(_IMAGE.fullmatch(path.name) for path in folder.glob("*"))


def _by_number(folder: Path) -> tuple[str, int]:
    group, number = folder.name.rsplit("-", 1)
    return group, int(number)
