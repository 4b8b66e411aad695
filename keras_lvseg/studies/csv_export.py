"""CSV tables of frames and patients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields

from keras_lvseg.errors import invalid_argument
from keras_lvseg.files import write_rows
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient


def write_csv(records: Sequence[Frame] | Sequence[Patient], path: str | os.PathLike[str]) -> None:
    """Write frames or patients as CSV, one per line, one column per attribute.

    A cell with several numbers separates them by blanks. The column `frames` of patients holds the number of frames.
    Text that a spreadsheet would take as a formula gets an apostrophe in front.

    Args:
        records: The `.frames` or `.patients` of a data set.
        path: The file to write, atomically.

    Raises:
        ValueError: `records` is empty.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "frames.csv"
        >>> write_csv([Frame(Path("1.png"), "P1", "O1", rows=256, columns=216)], path)
        >>> path.read_text().split(",")[:3]
        ['path', 'patient_id', 'original_id']
    """
    if not records:
        raise invalid_argument("records", records, "one frame or patient, or more")
    names = [field.name for field in fields(records[0])]
    write_rows(path, [{name: _cell(getattr(record, name)) for name in names} for record in records])


def _cell(value: object) -> object:
    return len(value) if isinstance(value, tuple) and value and isinstance(value[0], Frame) else value
