"""The tree with a link table: `dicoms/<patient_id>/`, `contourfiles/<original_id>/`, `link.csv` between them."""

from __future__ import annotations

from pathlib import Path

from keras_lvseg.data.layouts.discovery import check_inside, contours_of, files_of, read_links
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import ContourFile, PatientFiles

EXPECTED = "link.csv beside dicoms/<patient_id>/*.dcm and contourfiles/<original_id>/i-contours/*.txt"

_COLUMNS = ("patient_id", "original_id")


def matches(root: Path) -> bool:
    """Whether `root` holds such a tree."""
    return (root / "link.csv").is_file() and (root / "dicoms").is_dir()


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List its patients, in the table's order.

    Raises:
        DataError: The table is malformed, names a folder that is missing or leads out of the tree, or a
            patient has no images.
    """
    table = root / "link.csv"
    check_inside(root, [table])
    return tuple(
        PatientFiles(patient_id, original_id, _images(root, patient_id), _contours(root, original_id))
        for patient_id, original_id in read_links(table, _COLUMNS)
    )


def _images(root: Path, patient_id: str) -> tuple[Path, ...]:
    folder = root / "dicoms" / patient_id
    images = files_of(root, folder, ".dcm") if folder.is_dir() else ()
    if not images:
        raise DataError(folder, "holds no .dcm file", "link.csv names this patient; its images belong here")
    return images


def _contours(root: Path, original_id: str) -> tuple[ContourFile, ...]:
    folder = root / "contourfiles" / original_id
    return tuple(
        contour for letter in ("i", "o") for contour in contours_of(root, folder / f"{letter}-contours", (letter,))
    )
