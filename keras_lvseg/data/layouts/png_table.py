"""The tree of PNG images with a table: `images/`, `i_labels/`, `o_labels/` and `patients.csv`.

    images/case7-0048.png       one frame: a grey PNG of 8 or 16 bits
    i_labels/case7-0048.png     its cavity: 0 outside, one other value inside
    o_labels/case7-0048.png     the area inside the epicardial border; the folder may be missing
    patients.csv

An image's name starts with its patient (`original_id` or `patient_id`) and ends with its number: `-0048.png` or
`-0048.dcm.png`. The number is phases * slice + phase + 1, slice and phase from 0. A label has the name of its image.
An image without a label is unlabelled, never empty.

The table has the columns `patient_id` and `pixel_spacing_mm` (0.1 to 10). Optional columns are `original_id`,
`slice_spacing_mm` (0.1 to 100; needed for volumes) and `phases` (default 20).
"""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keras_lvseg.data.layouts.discovery import list_files, read_table, require_inside, require_unique_names
from keras_lvseg.errors import DataError
from keras_lvseg.io.png import read_png_size
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE, Frame
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "patients.csv beside images/<patient_id>-<NNNN>.png and i_labels/ with labels of the same names"

_TABLE, _IMAGES = "patients.csv", "images"
_LABELS = {"endocardium": "i_labels", "epicardium": "o_labels"}
_COLUMNS = ("patient_id", "pixel_spacing_mm")
_IMAGE_NAME = re.compile(r"(.+)-([0-9]{1,9})(?:\.dcm)?\.png", re.IGNORECASE)
_DEFAULT_PHASES = 20
_SLICE_SPACING_RANGE = (0.1, 100.0)  # mm
_MAX_SLICES = _MAX_PHASES = 1000


def matches(root: Path) -> bool:
    """Return whether `root` is such a tree."""
    return (root / _TABLE).is_file() and (root / _IMAGES).is_dir()


def index(root: Path, *, skip_unreadable: bool = False) -> tuple[PatientFiles, ...]:
    """List the patients in the table's order. Of the images, only the sizes are read.

    Args:
        root: The tree.
        skip_unreadable: Leave out images that cannot be read, and patients without any other image.

    Raises:
        DataError: The table is invalid, an image has no patient, a label has no image or another size, a patient has
            no image, or a link leads out of the tree.
    """
    table = root / _TABLE
    require_inside(root, [table])
    rows = read_table(table, _COLUMNS)
    for row in rows:
        row["original_id"] = row.get("original_id") or row["patient_id"]
    for column in ("patient_id", "original_id"):
        require_unique_names(table, column, [row[column] for row in rows])
    _require_unambiguous(table, rows)
    images = list_files(root, root / _IMAGES, ".png")
    if not images:
        raise DataError(root / _IMAGES, "has no .png file", expected="one per frame")
    if list_files(root, root / "labels", ".png"):  # they would be missed without a word
        expected = "i_labels/ for the cavity, or o_labels/ for the area inside the epicardial border"
        raise DataError(root / "labels", "is not a name of a label folder", expected=expected)
    labels = {border: _labels(root, folder, images) for border, folder in _LABELS.items()}
    readable = list(filter(_is_readable, images)) if skip_unreadable else images
    by_patient = _by_patient(table, readable, rows)
    return tuple(
        _patient(table, row, by_patient[row["patient_id"]], labels)
        for row in rows
        if by_patient[row["patient_id"]] or not skip_unreadable
    )


def lacks_table(root: Path) -> bool:
    """Return whether `root` would be such a tree if it had the table."""
    return not (root / _TABLE).exists() and any((root / _IMAGES).glob("*.png"))


def set_labels_include_outline(
    root: str | os.PathLike[str], patients: Sequence[PatientFiles]
) -> tuple[PatientFiles, ...]:
    """Return patients whose frames have `labels_include_outline`, see `keras_lvseg.studies.Frame`.

    Args:
        root: The tree, for the error.
        patients: Its patients.

    Raises:
        DataError: The tree has no label images.
    """
    # Only trees with label images have frames with contours here.
    if not any(frame.endocardium or frame.epicardium for files in patients for frame in files.frames):
        raise DataError(root, "has no label images", expected="label images for labels_include_outline=True")
    return tuple(
        replace(files, frames=tuple(replace(frame, labels_include_outline=True) for frame in files.frames))
        for files in patients
    )


def _require_unambiguous(table: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Raise if a patient's `original_id` is another patient's `patient_id`."""
    patients = {row["patient_id"] for row in rows}
    for row in rows:
        name = row["original_id"]
        if name != row["patient_id"] and name in patients:
            problem = f"has original_id {name!r} of patient {row['patient_id']!r}, which is another's patient_id"
            raise DataError(table, problem, expected="one patient per name")


def _is_readable(image: Path) -> bool:
    try:
        read_png_size(image)
    except DataError:
        return False
    return True


def _labels(root: Path, folder: str, images: Sequence[Path]) -> dict[str, Path]:
    """Return the label images of a folder by name."""
    known = {image.name for image in images}
    labels = {}
    for path in list_files(root, root / folder, ".png"):
        if path.name not in known:
            raise DataError(path, "is a label without an image", expected=f"an image of the same name in {_IMAGES}/")
        labels[path.name] = path
    return labels


def _by_patient(
    table: Path, images: Sequence[Path], rows: Sequence[Mapping[str, str]]
) -> defaultdict[str, dict[int, Path]]:
    """Return the images of each `patient_id` by number."""
    patients = {row[column]: row["patient_id"] for column in ("original_id", "patient_id") for row in rows}
    found: defaultdict[str, dict[int, Path]] = defaultdict(dict)
    for path in images:
        match = _IMAGE_NAME.fullmatch(path.name)
        if match is None:
            raise DataError(path, "has no number in its name", expected=f"<patient_id>-<NNNN>{path.suffix}")
        # P-1-0048 belongs to P-1, although it also starts with P.
        name = max((name for name in patients if f"{match[1]}-".startswith(f"{name}-")), key=len, default=None)
        if name is None:
            raise DataError(path, f"has no patient in {table.name}", expected="a name that starts with a patient's")
        frames, number = found[patients[name]], int(match[2])
        if number in frames:
            raise DataError(path, f"has the number of {frames[number].name}", expected="one image per number")
        frames[number] = path
    return found


def _patient(
    table: Path, row: Mapping[str, str], images: Mapping[int, Path], labels: Mapping[str, Mapping[str, Path]]
) -> PatientFiles:
    if not images:
        problem = f"has patient {row['patient_id']!r}, who has no image"
        raise DataError(table, problem, expected=f"{_IMAGES}/{row['original_id']}-<NNNN>.png")
    spacing = _millimetres(table, row, "pixel_spacing_mm", PIXEL_SPACING_RANGE)
    if spacing is None:
        raise DataError(table, f"has no pixel_spacing_mm of patient {row['patient_id']!r}", expected="mm")
    slice_spacing = _millimetres(table, row, "slice_spacing_mm", _SLICE_SPACING_RANGE)
    phases = _phases(table, row)
    frames = tuple(
        Frame(
            path,
            row["patient_id"],
            row["original_id"],
            instance_number=number,
            rows=shape[0],
            columns=shape[1],
            pixel_spacing=(spacing, spacing),
            slice_spacing=slice_spacing,
            slice=slice_,
            phase=phase,
            endocardium=labels["endocardium"].get(path.name),
            epicardium=labels["epicardium"].get(path.name),
        )
        for number, path in sorted(images.items())
        for shape in [_shape(path, labels)]
        for slice_, phase in [_slice_and_phase(path, number, phases)]
    )
    return PatientFiles(row["patient_id"], row["original_id"], (), (), frames, phases)


def _millimetres(table: Path, row: Mapping[str, str], column: str, limits: tuple[float, float]) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text.replace("_", "?"))  # float() reads 1_0 as ten
    except ValueError:
        value = math.nan
    if not limits[0] <= value <= limits[1]:
        raise _bad_cell(table, row, column, f"{limits[0]:g} to {limits[1]:g} mm")
    return value


def _phases(table: Path, row: Mapping[str, str]) -> int:
    match = re.fullmatch(r"([0-9]{1,9})(\.0*)?", row.get("phases") or str(_DEFAULT_PHASES))  # spreadsheets write 20.0
    phases = int(match[1]) if match else 0
    if not 0 < phases <= _MAX_PHASES:
        raise _bad_cell(table, row, "phases", f"1 to {_MAX_PHASES}")
    return phases


def _bad_cell(table: Path, row: Mapping[str, str], column: str, expected: str) -> DataError:
    problem = f"has an invalid {column} of patient {row['patient_id']!r}"
    return DataError(table, problem, expected=expected, got=repr(row[column][:40]))


def _shape(path: Path, labels: Mapping[str, Mapping[str, Path]]) -> tuple[int, int]:
    """Return the size of an image. Raise if a label of it has another size."""
    shape = read_png_size(path)
    for label in (by_name[path.name] for by_name in labels.values() if path.name in by_name):
        size = read_png_size(label)
        if size != shape:
            expected, got = (f"{rows} x {columns} pixels" for rows, columns in (shape, size))
            raise DataError(label, "has another size than its image", expected=expected, got=got)
    return shape


def _slice_and_phase(path: Path, number: int, phases: int) -> tuple[int, int]:
    slice_, phase = divmod(number - 1, phases)
    if not 0 <= slice_ < _MAX_SLICES:
        problem = f"has number {number}, which is slice {slice_} with {phases} phases"
        raise DataError(path, problem, expected="phases * slice + phase + 1, slice and phase from 0")
    return slice_, phase
