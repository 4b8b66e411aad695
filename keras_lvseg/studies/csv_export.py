"""Tables of frames and patients, for people and spreadsheets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields

from keras_lvseg.files import write_rows
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient


def write_csv(records: Sequence[Frame] | Sequence[Patient], path: str | os.PathLike[str]) -> None:
    """Write frames or patients as CSV, one a line, a column for each attribute.

    Several numbers stand in one cell with blanks between them; a patient's frames are counted.

    Args:
        records: A data set's `.frames` or `.patients`.
        path: The file to write, whole or not at all.

    Raises:
        ValueError: There is nothing to write.
    """
    if not records:
        raise ValueError("records has to hold a frame or a patient. Received: none")
    names = [field.name for field in fields(records[0])]
    write_rows(path, [{name: _cell(getattr(record, name)) for name in names} for record in records])


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return len(value) if value and isinstance(value[0], Frame) else " ".join(map(str, value))
    return value
