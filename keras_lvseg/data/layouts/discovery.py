"""Functions shared by the layouts: lists of files and folders inside a tree, and tables of patients."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import read_bytes
from keras_lvseg.studies.patient_files import ContourFile

_MAX_DEPTH = 6  # folders; a known tree has five levels, and each archive may be unpacked into its own folder
_MAX_TABLE_BYTES = 1_000_000  # a table of 45 patients has a few thousand
_MAX_NAME_BYTES = 255  # limit of file systems
_BORDERS: dict[str, Literal["endocardium", "epicardium"]] = {"i": "endocardium", "o": "epicardium"}
_CONTOUR_NAME = re.compile(r"IM-\d{4}-(\d{4,9})-(i|o|p\d)contour-manual\.txt", re.IGNORECASE)


def list_subfolders(root: Path) -> list[Path]:
    """List all folders below `root` in order. Links to folders are listed but not entered.

    Hidden folders and `__MACOSX`, which archives made on a Mac contain, are left out.
    """
    found = []
    for parent, names, _ in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__MACOSX")
        found += [Path(parent, name) for name in names]
        if len(Path(parent).relative_to(root).parts) == _MAX_DEPTH - 1:
            names.clear()
    return found


def require_inside(root: Path, paths: Iterable[Path]) -> None:
    """Raise if a link leads out of the tree.

    Raises:
        DataError: A path or one of its parents is a link to a place outside `root`.
    """
    for path in paths:
        if not Path(os.path.realpath(path)).is_relative_to(root):  # realpath leaves circular links as they are
            raise DataError(path, f"is a link out of {root}", "copy the data into the folder")


def list_files(root: Path, folder: Path, suffix: str) -> tuple[Path, ...]:
    """List the files of a folder with a suffix, in order. Hidden files are left out.

    Raises:
        DataError: The folder or a file is a link out of the tree.
    """
    require_inside(root, [folder])  # before the folder is listed
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() == suffix and not p.name.startswith("."))
    require_inside(root, files)
    return tuple(files)


def list_contours(root: Path, folder: Path, letters: Sequence[str] = ("i", "o")) -> tuple[ContourFile, ...]:
    """List the endocardial (i) and epicardial (o) contours of a folder.

    Contours of the papillary muscles (p1, p2), which some copies have, are left out. The muscles belong to the cavity.

    Raises:
        DataError: A text file is not named as a contour, or a frame has two contours of one border.
    """
    contours: dict[tuple[str, int], ContourFile] = {}
    for path in list_files(root, folder, ".txt"):
        match = _CONTOUR_NAME.fullmatch(path.name)
        letter = match[2].lower() if match else ""
        if match is None or (letter in _BORDERS and letter not in letters):
            expected = f"IM-0001-<NNNN>-{letters[0]}contour-manual.txt"
            raise DataError(path, "is not named as a contour", expected=expected)
        if letter not in _BORDERS:
            continue
        number = int(match[1])
        if (letter, number) in contours:
            other = contours[letter, number].path.name
            raise DataError(path, f"is a second contour of frame {number}, beside {other}", "keep one of them")
        contours[letter, number] = ContourFile(path, number, _BORDERS[letter])
    return tuple(contours.values())


def find_expert_contours(root: Path, folders: Sequence[Path]) -> dict[str, tuple[ContourFile, ...]]:
    """List contours by patient, from `<original_id>/contours-manual/IRCCI-expert/`.

    Args:
        root: The tree.
        folders: The folders to look at, from `list_subfolders`.

    Returns:
        The contours of each patient with contours, by the name that `strip_zero_padding` returns.

    Raises:
        DataError: A patient has two such folders. See also `list_contours`.
    """
    found: dict[str, Path] = {}
    contours = {}
    for folder in folders:
        if folder.name.lower() != "ircci-expert" or folder.parent.name.lower() != "contours-manual":
            continue
        own = list_contours(root, folder)
        name = strip_zero_padding(folder.parents[1].name)
        if own and name in found:
            raise DataError(folder, f"has contours of {name}, as {found[name]} has", "keep one copy")
        if own:
            found[name], contours[name] = folder, own
    return contours


def strip_zero_padding(name: str) -> str:
    """Return a patient's name without zeros before its number, as in the challenge's lists.

    Example:
        >>> strip_zero_padding("SC-HF-I-01"), strip_zero_padding("SC-HF-I-40")
        ('SC-HF-I-1', 'SC-HF-I-40')
    """
    return re.sub(r"-0+(?=\d+$)", "-", name)


def read_links(table: Path, columns: tuple[str, str]) -> list[tuple[str, str]]:
    """Read each patient's name in the images and in the contours.

    Args:
        table: A CSV file with one row per patient.
        columns: The columns of the two names.

    Raises:
        DataError: The file is no such table, or has a patient twice or an invalid name.
    """
    rows = read_table(table, columns)
    for column in columns:
        require_unique_names(table, column, [row[column] for row in rows])
    return [(row[columns[0]], row[columns[1]]) for row in rows]


def read_table(table: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table of patients.

    Args:
        table: A CSV file whose first row names its columns.
        columns: The required columns.

    Returns:
        The cells of each row by column, without surrounding blanks. Rows with empty `columns` are left out.

    Raises:
        DataError: The file is no such table, has a row with more cells than columns, or has no patient.
    """
    content = read_bytes(table, _MAX_TABLE_BYTES)
    with as_data_error(table, "cannot be read", expected="a CSV file in UTF-8"):
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        names = [name.strip() for name in next(lines, ())]
        cells = [(lines.line_num, [cell.strip() for cell in line]) for line in lines]
    expected = f"the columns {' and '.join(columns)} and one row per patient"
    for column in columns:
        if column not in names:
            raise DataError(table, f"has no column {column!r}", expected=expected)
    for number, line in cells:
        if any(line[len(names) :]):  # a comma within a number or a name shifts the cells after it
            raise DataError(
                table,
                f"has a wrong number of cells in line {number}",
                "write decimals with a point, and cells that contain a comma in quotes",
                expected=str(len(names)),
                got=str(len(line)),
            )
    rows = [dict(zip_longest(names, line[: len(names)], fillvalue="")) for _, line in cells]
    # Spreadsheets leave rows of commas only.
    rows = [row for row in rows if any(row[column] for column in columns)]
    if not rows:
        raise DataError(table, "has no patients", expected=expected)
    return rows


def require_unique_names(table: Path, column: str, names: Sequence[str]) -> None:
    """Raise if a column of a table has a name twice, or a name that is no folder name.

    Raises:
        DataError: The column has such a name.
    """
    for name, count in Counter(names).items():
        if not _is_folder_name(name):
            raise DataError(table, f"has an invalid {column}", expected="a folder name", got=repr(name[:40]))
        if count > 1:
            raise DataError(table, f"has {column} {name!r} more than once", expected="one row per patient")


def _is_folder_name(name: str) -> bool:
    """Return whether a name is a printable folder name that cannot lead out of the tree."""
    if name in ("", ".", "..") or re.search(r"[/\\]", name):
        return False
    return name.isprintable() and len(os.fsencode(name)) <= _MAX_NAME_BYTES
