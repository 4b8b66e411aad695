"""The tree with a link table: `dicoms/<patient_id>/`, `contourfiles/<original_id>/` and `link.csv`."""

from __future__ import annotations

from pathlib import Path

from keras_lvseg.data.layouts.discovery import list_contours, list_files, read_links, require_inside
from keras_lvseg.errors import DataError
from keras_lvseg.studies.patient_files import ContourFile, PatientFiles

EXPECTED = "link.csv beside dicoms/<patient_id>/*.dcm and contourfiles/<original_id>/i-contours/*.txt"

_COLUMNS = ("patient_id", "original_id")


def matches(root: Path) -> bool:
    """Return whether `root` is such a tree."""
    return (root / "link.csv").is_file() and (root / "dicoms").is_dir()


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List the patients in the table's order.

    Raises:
        DataError: The table is invalid, a patient has no images, or a link leads out of the tree.
    """
    table = root / "link.csv"
    require_inside(root, [table])
    return tuple(
        PatientFiles(patient_id, original_id, _images(root, patient_id), _contours(root, original_id))
        for patient_id, original_id in read_links(table, _COLUMNS)
    )


def _images(root: Path, patient_id: str) -> tuple[Path, ...]:
    folder = root / "dicoms" / patient_id
    images = list_files(root, folder, ".dcm") if folder.is_dir() else ()
    if not images:
        raise DataError(folder, "has no .dcm file", expected="the images of a patient in link.csv")
    return images


def _contours(root: Path, original_id: str) -> tuple[ContourFile, ...]:
    folder = root / "contourfiles" / original_id
    return tuple(
        contour for letter in ("i", "o") for contour in list_contours(root, folder / f"{letter}-contours", (letter,))
    )
