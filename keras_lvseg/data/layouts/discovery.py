"""What several layouts share: folders and files found by looking, none of them outside the tree."""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from keras_lvseg.errors import DataError
from keras_lvseg.files import read_bytes
from keras_lvseg.studies.patient_files import ContourFile

_DEEPEST = 6  # folders; the deepest of a known tree is the fifth, and each archive may have been unpacked into its own
_LARGEST_TABLE = 1_000_000  # bytes; 45 patients take a few thousand
_LONGEST_NAME = 255  # bytes; what file systems take
_BORDERS = {"i": "endocardium", "o": "epicardium"}
_CONTOUR = re.compile(r"IM-\d{4}-(\d{4,9})-(i|o|p\d)contour-manual\.txt", re.IGNORECASE)


def subfolders(root: Path) -> list[Path]:
    """Every folder below `root` that holds data, in order; links are listed and not entered.

    Hidden ones hold none, nor does what archives made on a Mac keep of each file beside it.
    """
    found = []
    for parent, names, _ in os.walk(root):
        names[:] = sorted(name for name in names if not name.startswith(".") and name != "__MACOSX")
        found += [Path(parent, name) for name in names]
        if len(Path(parent).relative_to(root).parts) == _DEEPEST - 1:
            names.clear()
    return found


def check_inside(root: Path, paths: Iterable[Path]) -> None:
    """See to it that nothing outside the tree is opened.

    Raises:
        DataError: A path is a link, or has one among its parents, that leads out of `root`.
    """
    for path in paths:
        if not Path(os.path.realpath(path)).is_relative_to(root):  # which takes links in a circle as they are
            raise DataError(path, f"leads out of {root}", "files of the tree lie inside it")


def files_of(root: Path, folder: Path, suffix: str) -> tuple[Path, ...]:
    """The folder's files of that suffix in order, hidden ones left out; a link out of the tree is refused."""
    check_inside(root, [folder])  # before it is listed
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() == suffix and not p.name.startswith("."))
    check_inside(root, files)
    return tuple(files)


def contours_of(root: Path, folder: Path, letters: Sequence[str] = ("i", "o")) -> tuple[ContourFile, ...]:
    """The folder's contours of the cavity (i) and the outer wall (o).

    Those of the papillary muscles (p1, p2), which some copies have, are left out: the muscles belong to the cavity.

    Raises:
        DataError: A text file is not named as a contour, or outlines a frame that another one outlines.
    """
    contours: dict[tuple[str, int], ContourFile] = {}
    for path in files_of(root, folder, ".txt"):
        match = _CONTOUR.fullmatch(path.name)
        letter = match[2].lower() if match else ""
        if match is None or (letter in _BORDERS and letter not in letters):
            raise DataError(path, "is not named as a contour", f"IM-0001-<NNNN>-{letters[0]}contour-manual.txt is")
        if letter not in _BORDERS:
            continue
        number = int(match[1])
        if (letter, number) in contours:
            problem = f"outlines frame {number}, and so does {contours[letter, number].path.name}"
            raise DataError(path, problem, "one contour of a kind for each frame")
        contours[letter, number] = ContourFile(path, number, _BORDERS[letter])  # type: ignore[arg-type]
    return tuple(contours.values())


def expert_contours(root: Path, folders: Sequence[Path]) -> dict[str, tuple[ContourFile, ...]]:
    """Contours by patient, out of `<original_id>/contours-manual/IRCCI-expert/`.

    Args:
        root: The tree.
        folders: What `subfolders` gave.

    Returns:
        The contours of each patient that has any, under the name that `strip_zero_padding` gives.

    Raises:
        DataError: A patient has two such folders, or one is not as `contours_of` wants it.
    """
    found: dict[str, Path] = {}
    contours = {}
    for folder in folders:
        if folder.name.lower() != "ircci-expert" or folder.parent.name.lower() != "contours-manual":
            continue
        own = contours_of(root, folder)
        name = strip_zero_padding(folder.parents[1].name)
        if own and name in found:
            raise DataError(folder, f"holds contours of {name}, and so does {found[name]}", "keep one copy")
        if own:
            found[name], contours[name] = folder, own
    return contours


def strip_zero_padding(name: str) -> str:
    """A patient's name with no zeros before its number, the way it stands in the challenge's lists.

    Example:
        >>> strip_zero_padding("SC-HF-I-01"), strip_zero_padding("SC-HF-I-40")
        ('SC-HF-I-1', 'SC-HF-I-40')
    """
    return re.sub(r"-0+(?=\d+$)", "-", name)


def read_links(table: Path, columns: tuple[str, str]) -> list[tuple[str, str]]:
    """Read which patient among the images is which among the contours.

    Args:
        table: A CSV file with a line for each patient.
        columns: The columns of the two names.

    Raises:
        DataError: The file is no such table, names a patient twice, or a name is more than a folder's name.
    """
    rows = read_table(table, columns)
    for column in columns:
        check_names(table, column, [row[column] for row in rows])
    return [(row[columns[0]], row[columns[1]]) for row in rows]


def read_table(table: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table of patients.

    Args:
        table: A CSV file whose first line names its columns.
        columns: Those that it has to have.

    Returns:
        The cells of each line by column, without blanks around them; lines with nothing in `columns` are left out.

    Raises:
        DataError: The file is no such table, has a line with more cells than columns, or lists nobody.
    """
    content = read_bytes(table, _LARGEST_TABLE)
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        names = [name.strip() for name in next(lines, ())]
        cells = [(lines.line_num, [cell.strip() for cell in line]) for line in lines]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(table, f"cannot be read ({error})") from None
    remedy = f"the first line names the columns {' and '.join(columns)}, then comes one patient a line"
    for column in columns:
        if column not in names:
            raise DataError(table, f"has no column {column!r}", remedy)
    for number, line in cells:
        if any(line[len(names) :]):  # a comma within a number, or a name, would move what comes after it
            remedy = "decimals are written with a point, and a cell with a comma stands in quotes"
            raise DataError(table, f"has {len(line)} cells in line {number}, and {len(names)} columns", remedy)
    rows = [dict(zip_longest(names, line[: len(names)], fillvalue="")) for _, line in cells]
    # Spreadsheets leave lines of nothing but commas.
    rows = [row for row in rows if any(row[column] for column in columns)]
    if not rows:
        raise DataError(table, "lists no patients", remedy)
    return rows


def check_names(table: Path, column: str, names: Sequence[str]) -> None:
    """See to it that a table's names are patients' names.

    Raises:
        DataError: A name stands there twice, or is more than a folder's name.
    """
    for name, count in Counter(names).items():
        if not _is_folder_name(name):
            raise DataError(table, f"has {column} {name[:40]!r}", "a folder's name inside the tree is due")
        if count > 1:
            raise DataError(table, f"lists {column} {name!r} more than once", "one line a patient")


def _is_folder_name(name: str) -> bool:
    """Whether it is one plain folder name: nothing may lead out of the tree, or break a message's line."""
    if name in ("", ".", "..") or re.search(r"[/\\]", name):
        return False
    return name.isprintable() and len(os.fsencode(name)) <= _LONGEST_NAME
