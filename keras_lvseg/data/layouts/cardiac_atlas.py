"""The tree of the Cardiac Atlas Project: `SCD_IMAGES_01/SCD0000101/CINESAX_300/`, `SCD_ManualContours/`.

    SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0059.dcm
    SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0059-icontour-manual.txt
    scd_patientdata.csv

The images may be one folder deeper (`SCD_DeidentifiedImages/SCD_IMAGES_01/...`). Any of the five parts may be missing.
The table may be missing, because the project's numbers follow the challenge's names in a known order.
Verified on files of the Sunnybrook sample in this layout, and on phantoms. No original copy was available.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from keras_lvseg.data.layouts.discovery import (
    find_expert_contours,
    list_files,
    list_subfolders,
    read_links,
    require_inside,
    strip_zero_padding,
)
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "SCD_IMAGES_*/<patient_id>/CINESAX_*/*.dcm beside <original_id>/contours-manual/IRCCI-expert/*.txt"

_TABLE, _COLUMNS = "scd_patientdata.csv", ("PatientID", "OriginalID")
# The project numbered the challenge's patients by group. SCD0000101 is the first, SCD0004501 the 45th.
_GROUPS = {
    "HF-I": (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 40),
    "HF-NI": (3, 4, 7, 11, 12, 13, 14, 15, 31, 33, 34, 36),
    "HYP": (1, 3, 6, 7, 8, 9, 10, 11, 12, 37, 38, 40),
    "N": (2, 3, 5, 6, 7, 9, 10, 11, 40),
}
_NAMES = (f"SC-{group}-{number}" for group, numbers in _GROUPS.items() for number in numbers)
KNOWN_LINKS = {f"SCD{place:05d}01": name for place, name in enumerate(_NAMES, 1)}
"""The challenge's name of each of the 45 patients, by the project's name."""


def matches(root: Path) -> bool:
    """Return whether `root` is such a tree."""
    return any(_is_series(folder) for folder in list_subfolders(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List the patients by their names in the images.

    A patient without contours is unlabelled. Contours without images are left out, because the images come in five
    parts and the contours in one. Which of a patient's CINESAX series the contours belong to is decided later.

    Raises:
        DataError: A patient has two folders, no images or no known name in the contours, or a link leads out of the
            tree.
    """
    folders = list_subfolders(root)
    require_inside(root, folders)
    images: dict[Path, tuple[Path, ...]] = {}
    for folder in filter(_is_series, folders):
        images[folder.parent] = (*images.get(folder.parent, ()), *list_files(root, folder, ".dcm"))
    contours = find_expert_contours(root, folders)
    links = _links(root, folders)
    patients: dict[str, PatientFiles] = {}
    for folder in sorted(images, key=lambda folder: folder.name):
        name = folder.name
        if not images[folder]:
            raise DataError(folder, "has no .dcm file", expected="the patient's images in CINESAX_* folders")
        if name in patients:
            other = patients[name].images[0].parents[1]
            raise DataError(folder, f"has images of {name}, as {other} has", "keep one copy")
        if name not in links and contours:
            raise DataError(folder, "has no known name in the contours", expected=f"the patient in {_TABLE}")
        original_id = links.get(name, name)
        patients[name] = PatientFiles(name, original_id, images[folder], contours.get(original_id, ()))
    return tuple(patients.values())


def _is_series(folder: Path) -> bool:
    return folder.name.upper().startswith("CINESAX_")


def _links(root: Path, folders: list[Path]) -> dict[str, str]:
    tables = [path for folder in (root, *folders) for path in list_files(root, folder, ".csv")]
    tables = [path for path in tables if path.name.lower() == _TABLE]
    if not tables:
        return KNOWN_LINKS
    first, *others = (_read_table(table) for table in tables)
    for table, links in zip(tables[1:], others, strict=True):
        if links != first:
            raise DataError(table, f"has other names of patients than {tables[0]}", "keep the right table")
    return first


def _read_table(table: Path) -> dict[str, str]:
    links = {patient_id: strip_zero_padding(original_id) for patient_id, original_id in read_links(table, _COLUMNS)}
    shared = [name for name, count in Counter(links.values()).items() if count > 1]
    if shared:
        raise DataError(table, f"has two patients with the name {shared[0]}", expected="one patient per name")
    return links
