"""Submissions to the Data Science Bowl: a CSV file with the cumulative distribution of each volume."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.files import atomic_file

VOLUME_STEPS = 600
"""Number of steps of a distribution: the probabilities that a volume is at most 0, ..., 599 mL."""

_COLUMNS = ("Id", *(f"P{step}" for step in range(VOLUME_STEPS)))
_SUFFIXES = ("_Diastole", "_Systole")


def write_bowl_submission(
    path: str | os.PathLike[str],
    edv: Mapping[str, np.ndarray],
    esv: Mapping[str, np.ndarray],
    *,
    order: Sequence[str] | None = None,
) -> None:
    """Write a submission to the Data Science Bowl, atomically: `Id,P0,...,P599` with two rows per study.

    Args:
        path: The CSV file to write.
        edv: By study, an array of shape (600,): the probability that the end-diastolic volume is at most 0, ..., 599
            mL.
        esv: The same for the end-systolic volume and the same studies.
        order: The rows in their order, from `read_bowl_rows`. None for `<study>_Diastole` and `<study>_Systole` of
            each study in the order of `edv`.

    Raises:
        ValueError: The studies differ, an array has another shape, or a row of `order` has no study.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "submission.csv"
        >>> write_bowl_submission(path, {"501": np.linspace(0, 1, 600)}, {"501": np.ones(600)})
        >>> [line.split(",")[:3] for line in path.read_text().splitlines()]
        [['Id', 'P0', 'P1'], ['501_Diastole', '0', '0.00166945'], ['501_Systole', '1', '1']]
    """
    if edv.keys() != esv.keys():
        raise invalid_argument("esv", sorted(esv)[:5], f"the studies of `edv`, {sorted(edv)[:5]}")
    rows = {f"{study}{suffix}": own[study] for study in edv for suffix, own in zip(_SUFFIXES, (edv, esv), strict=True)}
    for row, probabilities in rows.items():
        if np.shape(probabilities) != (VOLUME_STEPS,):
            raise invalid_argument(f"{row}.shape", np.shape(probabilities), f"({VOLUME_STEPS},)")
    missing = [row for row in order or () if row not in rows]
    if missing:
        raise invalid_argument("order", missing[:5], "rows of studies in `edv`")
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        # Rounding keeps the order of the numbers, so a distribution still never falls.
        writer.writerows([row, *(f"{p:.6g}" for p in rows[row])] for row in order or rows)


def read_bowl_rows(path: str | os.PathLike[str]) -> dict[str, str]:
    r"""Read which rows a submission must have from the sample submission of the Data Science Bowl.

    Args:
        path: A CSV file with the column `Id` and the rows `<study>_Diastole` and `<study>_Systole`.

    Returns:
        The study of each row, in the order of the file.

    Raises:
        DataError: The file cannot be read, has no column `Id`, or has another row.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sample.csv"
        >>> _ = path.write_text("Id,P0\n501_Systole,0\n501_Diastole,0\n")
        >>> read_bowl_rows(path)
        {'501_Systole': '501', '501_Diastole': '501'}
    """
    path = Path(path)
    with as_data_error(path, "cannot be read"), path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "Id" not in (reader.fieldnames or ()):
            raise DataError(path, "has no column Id", expected=f"the columns {','.join(_COLUMNS[:3])},...")
        names = [str(row["Id"]).strip() for row in reader]
    rows: dict[str, str] = {}
    for number, name in enumerate(names, 2):
        study, _, kind = name.rpartition("_")
        if not study or f"_{kind}" not in _SUFFIXES or name in rows:
            expected = "<study>_Diastole or <study>_Systole, each once"
            raise DataError(path, f"has an unknown row {number}", expected=expected, got=repr(name))
        rows[name] = study
    if not rows:
        raise DataError(path, "has no row")
    return rows
