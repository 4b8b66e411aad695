"""CSV tables of end-diastolic and end-systolic volumes, one row per study."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import csv_text, read_bytes

_BOWL_COLUMNS = ("Id", "Diastole", "Systole")
_VOLUME_COLUMNS = ("edv_ml", "esv_ml")
_MAX_SIZE = 100_000_000  # bytes; a row has about 100


@dataclass(frozen=True)
class VolumeRow:
    """Volumes of a study.

    Attributes:
        study: The cell by which tables are joined.
        patient: The patient; `study` if the table has no such column, or an empty cell.
        edv_ml: End-diastolic volume, mL. None if unknown.
        esv_ml: End-systolic volume, mL. None if unknown.
    """

    study: str
    patient: str
    edv_ml: float | None
    esv_ml: float | None


@dataclass(frozen=True)
class VolumeTable:
    """A table of volumes.

    Attributes:
        path: The file.
        rows: The studies in the order of the file. Each study is there once.
        problems: Rows that were left out and cells that are unknown, one line each.
    """

    path: Path
    rows: tuple[VolumeRow, ...]
    problems: tuple[str, ...] = ()

    def select(self, studies: Iterable[str]) -> tuple[VolumeRow, ...]:
        """Return one row per study, with unknown volumes for a study that the table does not have.

        Args:
            studies: Names of studies. A repeated name counts once.
        """
        known = {row.study: row for row in self.rows}
        return tuple(known.get(study, VolumeRow(study, study, None, None)) for study in dict.fromkeys(studies))


def read_volume_table(path: str | os.PathLike[str], *, key: str = "study") -> VolumeTable:
    r"""Read volumes from a CSV file.

    Two sets of columns are known: `<key>,edv_ml,esv_ml`, as in the `volumes.csv` of `segment`, and
    `Id,Systole,Diastole`, as in the tables of the Data Science Bowl. Other columns are ignored, but for `patient`.

    A row with another number of cells than the first row, or without a name, is left out. So are all rows of a study
    that has several. A cell that is empty or no volume is unknown, and so are both volumes of a study whose
    end-systolic volume is the larger one. Each of these is a line of `problems`.

    Args:
        path: The file, with a first row of column names.
        key: The column that names the studies. `Id` names them in a table of the Data Science Bowl.

    Raises:
        DataError: The file cannot be read, is not CSV in UTF-8, lacks columns, or has no usable row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "train.csv"
        >>> _ = path.write_text("Id,Systole,Diastole\n1,108.3,246.7\n2,,137.2\n")
        >>> table = read_volume_table(path)
        >>> table.rows[0]
        VolumeRow(study='1', patient='1', edv_ml=246.7, esv_ml=108.3)
        >>> table.problems[0].rpartition("/")[2]
        "train.csv: has no Systole in row 3, study '2'"
    """
    path = Path(path)
    data = read_bytes(path, _MAX_SIZE)
    with as_data_error(path, "is not CSV in UTF-8"):
        lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    header = [name.strip() for name in lines[0]] if lines else []
    name, edv, esv = _columns(path, header, key)
    problems: list[str] = []
    found: dict[str, tuple[list[int], VolumeRow]] = {}
    for number, line in enumerate(lines[1:], 2):  # as a spreadsheet counts
        if not line:
            continue
        if len(line) != len(header):
            problem = f"has {len(line)} cells in row {number}"
            problems.append(str(DataError(path, problem, expected=f"{len(header)}, as in the first row")))
            continue
        cells = dict(zip(header, map(str.strip, line), strict=True))
        study = csv_text(cells[name])
        if not study:
            problems.append(str(DataError(path, f"has no {name} in row {number}", expected="the name of a study")))
            continue
        numbers, _ = found.setdefault(study, ([], VolumeRow(study, "", None, None)))
        numbers.append(number)
        if len(numbers) == 1:
            patient = csv_text(cells.get("patient", "")) or study
            row = VolumeRow(study, patient, *_read_volumes(path, number, study, cells, (edv, esv), problems))
            found[study] = (numbers, row)
    for study, (numbers, _) in found.items():
        if len(numbers) > 1:
            problem = f"has study {study!r} in rows {', '.join(map(str, numbers))}"
            problems.append(str(DataError(path, problem, "all of them are left out", expected="one row per study")))
    rows = tuple(row for numbers, row in found.values() if len(numbers) == 1)
    if not rows:
        raise DataError(path, "has no usable row", problems[0] if problems else None)
    return VolumeTable(path, rows, tuple(problems))


def _columns(path: Path, header: Sequence[str], key: str) -> tuple[str, str, str]:
    """Return the columns of the study and of its end-diastolic and end-systolic volumes."""
    for columns in (_BOWL_COLUMNS, (key, *_VOLUME_COLUMNS)):
        if set(columns) <= set(header):
            repeated = [name for name in columns if header.count(name) > 1]
            if repeated:
                raise DataError(path, f"has the column {repeated[0]!r} twice")
            return columns
    expected = f"{key},edv_ml,esv_ml or Id,Systole,Diastole"
    raise DataError(path, "has other columns", expected=expected, got=",".join(header)[:200] or "an empty file")


def _read_volumes(
    path: Path, number: int, study: str, cells: dict[str, str], columns: tuple[str, str], problems: list[str]
) -> tuple[float | None, float | None]:
    """Return both volumes of a row, None for unknown ones, and add a line to `problems` for each of them."""
    place = f"in row {number}, study {study!r}"
    empty = [column for column in columns if not cells[column]]
    if empty:
        flags = f"flags: {cells['flags']}" if cells.get("flags") else None
        problems.append(str(DataError(path, f"has no {' and no '.join(empty)} {place}", flags)))
    edv, esv = (_volume(cells[column]) for column in columns)
    for column, volume in zip(columns, (edv, esv), strict=True):
        if volume is None and column not in empty:
            got = repr(cells[column][:40])
            problems.append(str(DataError(path, f"has no {column} {place}", expected="mL, 0 or more", got=got)))
    if edv is not None and esv is not None and esv > edv:
        expected, got = f"{columns[1]} at most {columns[0]}", f"{esv:g} and {edv:g}"
        problems.append(str(DataError(path, f"has no volumes {place}", expected=expected, got=got)))
        return None, None
    return edv, esv


def _volume(cell: str) -> float | None:
    try:
        volume = float(cell)
    except ValueError:
        return None
    return volume if math.isfinite(volume) and volume >= 0 else None
