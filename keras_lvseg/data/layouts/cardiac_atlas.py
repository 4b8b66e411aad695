"""The Cardiac Atlas Project's tree: `SCD_IMAGES_01/SCD0000101/CINESAX_300/`, contours in `SCD_ManualContours/`.

    SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0059.dcm
    SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0059-icontour-manual.txt
    scd_patientdata.csv

The images may lie one folder deeper (`SCD_DeidentifiedImages/SCD_IMAGES_01/...`), and the five parts in any number.
The table may be missing: the project's numbers follow the challenge's names in a known order.
Verified on the Sunnybrook sample's files, laid out anew like this, and on phantoms; no original copy was at hand.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from keras_lvseg.data.layouts.discovery import (
    check_inside,
    expert_contours,
    files_of,
    read_links,
    strip_zero_padding,
    subfolders,
)
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "SCD_IMAGES_*/<patient_id>/CINESAX_*/*.dcm beside <original_id>/contours-manual/IRCCI-expert/*.txt"

_TABLE, _COLUMNS = "scd_patientdata.csv", ("PatientID", "OriginalID")
# The project numbered the challenge's patients group by group: SCD0000101 is the first, SCD0004501 the 45th.
_GROUPS = {
    "HF-I": (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 40),
    "HF-NI": (3, 4, 7, 11, 12, 13, 14, 15, 31, 33, 34, 36),
    "HYP": (1, 3, 6, 7, 8, 9, 10, 11, 12, 37, 38, 40),
    "N": (2, 3, 5, 6, 7, 9, 10, 11, 40),
}
_NAMES = (f"SC-{group}-{number}" for group, numbers in _GROUPS.items() for number in numbers)
KNOWN_LINKS = {f"SCD{place:05d}01": name for place, name in enumerate(_NAMES, 1)}
"""The 45 patients: the project's name for each, and the challenge's."""


def matches(root: Path) -> bool:
    """Whether `root` holds such a tree."""
    return any(_is_series(folder) for folder in subfolders(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List its patients by their names among the images.

    A patient without contours is unlabelled. Contours without images are left out: the images come in five parts,
    the contours of all in one. Which of a patient's CINESAX series the contours belong to is not decided here.

    Raises:
        DataError: A patient is there twice, cannot be linked to a name among the contours, or something leads out of
            the tree.
    """
    folders = subfolders(root)
    check_inside(root, folders)
    images: dict[Path, tuple[Path, ...]] = {}
    for folder in filter(_is_series, folders):
        images[folder.parent] = (*images.get(folder.parent, ()), *files_of(root, folder, ".dcm"))
    contours = expert_contours(root, folders)
    links = _links(root, folders)
    patients: dict[str, PatientFiles] = {}
    for folder in sorted(images, key=lambda folder: folder.name):
        name = folder.name
        if not images[folder]:
            raise DataError(folder, "holds no .dcm file", "its CINESAX_* folders hold the images")
        if name in patients:
            raise DataError(folder, f"holds {name}, and so does {patients[name].images[0].parents[1]}", "keep one copy")
        if name not in links and contours:
            raise DataError(folder, "has no known name among the contours", f"{_TABLE} gives each patient's")
        original_id = links.get(name, name)
        patients[name] = PatientFiles(name, original_id, images[folder], contours.get(original_id, ()))
    return tuple(patients.values())


def _is_series(folder: Path) -> bool:
    return folder.name.upper().startswith("CINESAX_")


def _links(root: Path, folders: list[Path]) -> dict[str, str]:
    tables = [path for folder in (root, *folders) for path in files_of(root, folder, ".csv")]
    tables = [path for path in tables if path.name.lower() == _TABLE]
    if not tables:
        return KNOWN_LINKS
    first, *others = (_read_table(table) for table in tables)
    for table, links in zip(tables[1:], others, strict=True):
        if links != first:
            raise DataError(table, f"gives patients other names than {tables[0]}", "keep the one that is right")
    return first


def _read_table(table: Path) -> dict[str, str]:
    links = {patient_id: strip_zero_padding(original_id) for patient_id, original_id in read_links(table, _COLUMNS)}
    twice = [name for name, count in Counter(links.values()).items() if count > 1]
    if twice:
        raise DataError(table, f"gives two patients the name {twice[0]}", "each has its own")
    return links
