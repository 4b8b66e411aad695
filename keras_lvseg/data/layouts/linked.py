"""The tree with a link table: `dicoms/<patient_id>/`, `contourfiles/<original_id>/`, `link.csv` between them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from keras_lvseg.data.layouts.records import ContourFile, PatientFiles
from keras_lvseg.errors import DataError

EXPECTED = "link.csv beside dicoms/<patient_id>/*.dcm and contourfiles/<original_id>/i-contours/*.txt"

_COLUMNS = ("patient_id", "original_id")
_BORDERS = {"i-contours": ("i", "endocardium"), "o-contours": ("o", "epicardium")}


def matches(root: Path) -> bool:
    """Whether `root` holds such a tree."""
    return (root / "link.csv").is_file() and (root / "dicoms").is_dir()


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List its patients, in the table's order.

    Raises:
        DataError: The table is malformed, names a folder that is missing or leads out of the tree, or a
            patient has no images.
    """
    return tuple(
        PatientFiles(patient_id, original_id, _images(root, patient_id), _contours(root, original_id))
        for patient_id, original_id in _links(root)
    )


def _links(root: Path) -> list[tuple[str, str]]:
    table = root / "link.csv"
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
            fields = list(rows[0]) if rows else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(table, f"cannot be read ({error})") from None
    if not rows or any(column not in fields for column in _COLUMNS):
        remedy = f"the first line is '{','.join(_COLUMNS)}', then one patient a line"
        raise DataError(table, "lists no patients", remedy)
    links = [tuple((row[column] or "").strip() for column in _COLUMNS) for row in rows]
    for column, names in zip(_COLUMNS, zip(*links, strict=True), strict=True):
        for name in names:
            # One plain folder name: nothing may lead out of the tree.
            if not name or name in (".", "..") or re.search(r"[/\\\0]", name):
                raise DataError(table, f"has {column} {name!r}", "a folder's name inside the tree is due")
            if names.count(name) > 1:
                raise DataError(table, f"lists {column} {name!r} more than once", "one line a patient")
    return links  # type: ignore[return-value]


def _images(root: Path, patient_id: str) -> tuple[Path, ...]:
    folder = root / "dicoms" / patient_id
    images = _files(root, folder, "*.dcm") if folder.is_dir() else ()
    if not images:
        raise DataError(folder, "holds no .dcm file", "link.csv names this patient; its images belong here")
    return images


def _contours(root: Path, original_id: str) -> tuple[ContourFile, ...]:
    contours = []
    for name, (letter, border) in _BORDERS.items():
        pattern = re.compile(rf"IM-\d{{4}}-(\d{{4,}})-{letter}contour-manual\.txt")
        for path in _files(root, root / "contourfiles" / original_id / name, "*.txt"):
            match = pattern.fullmatch(path.name)
            if match is None:
                raise DataError(path, "is not named as a contour", f"IM-0001-<NNNN>-{letter}contour-manual.txt is")
            contours.append(ContourFile(path, int(match[1]), border))  # type: ignore[arg-type]
    return tuple(contours)


def _files(root: Path, folder: Path, pattern: str) -> tuple[Path, ...]:
    """The folder's files of that name in order, hidden ones left out; a link out of the tree is refused."""
    files = sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    for path in files:
        if not path.resolve().is_relative_to(root):
            raise DataError(path, f"leads out of {root}", "files of the tree lie inside it")
    return tuple(files)
