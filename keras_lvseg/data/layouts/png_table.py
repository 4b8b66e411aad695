"""Pictures and a table: `images/*.png`, labels of the same names in `i_labels/` and `o_labels/`, `patients.csv`.

    images/case7-0048.png       one frame: a PNG in shades of grey, of 8 or 16 bits
    i_labels/case7-0048.png     its cavity: 0 outside, one other value inside
    o_labels/case7-0048.png     all that lies inside the outer wall's border; the folder may be missing
    patients.csv

An image is called as its patient (`original_id` or `patient_id`), then whatever else, then its number: `-0048.png`,
or `-0048.dcm.png`. The number is phases * slice + phase + 1, slice and phase from 0. An image without a label is
unlabelled, never empty.

The table has the columns `patient_id` and `pixel_spacing_mm` (0.1 to 10), and may have `original_id`,
`slice_spacing_mm` (0.1 to 100; without it there are no volumes) and `phases` (20 where it does not tell).
"""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keras_lvseg.data.layouts.discovery import check_inside, check_names, files_of, read_table
from keras_lvseg.errors import DataError
from keras_lvseg.io.png import read_png_size
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE, Frame
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "patients.csv beside images/<patient_id>-<NNNN>.png and i_labels/ with labels of the same names"

_TABLE, _IMAGES = "patients.csv", "images"
_LABELS = {"endocardium": "i_labels", "epicardium": "o_labels"}
_COLUMNS = ("patient_id", "pixel_spacing_mm")
_NAME = re.compile(r"(.+)-([0-9]{1,9})(?:\.dcm)?\.png", re.IGNORECASE)
_PHASES = 20
_SLICE_SPACINGS = (0.1, 100.0)  # mm; far beyond any study
_MOST = 1000  # slices or phases: far beyond any heart


def matches(root: Path) -> bool:
    """Whether `root` holds such a tree."""
    return (root / _TABLE).is_file() and (root / _IMAGES).is_dir()


def index(root: Path, strict: bool = True) -> tuple[PatientFiles, ...]:
    """List its patients in the table's order; of the pictures no more than their sizes are read.

    Args:
        root: The tree.
        strict: False leaves out images that cannot be read, and patients who have no other.

    Raises:
        DataError: The table is malformed, an image is nobody's, a label has no image or another size, a patient has no
            image, or something leads out of the tree.
    """
    table = root / _TABLE
    check_inside(root, [table])
    rows = read_table(table, _COLUMNS)
    check_names(table, "patient_id", [row["patient_id"] for row in rows])
    names = [row.get("original_id") or row["patient_id"] for row in rows]
    check_names(table, "original_id", names)
    _check_unambiguous(table, rows, names)
    images = files_of(root, root / _IMAGES, ".png")
    if not images:
        raise DataError(root / _IMAGES, "holds no .png file", "each frame is one")
    labels = {border: _labels(root, folder, images) for border, folder in _LABELS.items()}
    own = _by_patient(table, images if strict else [*filter(_is_readable, images)], rows, names)
    return tuple(
        _patient(table, row, name, own[row["patient_id"]], labels)
        for row, name in zip(rows, names, strict=True)
        if strict or own[row["patient_id"]]
    )


def mark_for_repair(root: str | os.PathLike[str], patients: Sequence[PatientFiles]) -> tuple[PatientFiles, ...]:
    """Have the outlines of label pictures repaired, see `keras_lvseg.geometry.contour_of_outlined_label`.

    Args:
        root: The tree, for the error.
        patients: Its patients.

    Returns:
        The same patients with other frames.

    Raises:
        DataError: The tree holds no label pictures.
    """
    outlines = (path for files in patients for frame in files.frames for path in (frame.endocardium, frame.epicardium))
    if not any(outlines):  # of records and of DICOM none stand in `frames`
        raise DataError(root, "holds no label pictures", "labels_include_outline is for those")
    return tuple(
        replace(files, frames=tuple(replace(frame, labels_include_outline=True) for frame in files.frames))
        for files in patients
    )


def _check_unambiguous(table: Path, rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> None:
    """See to it that no image's name can mean two patients."""
    patients = {row["patient_id"] for row in rows}
    for row, name in zip(rows, names, strict=True):
        if name != row["patient_id"] and name in patients:
            problem = f"has original_id {name!r} of patient {row['patient_id']!r}, which is another's patient_id"
            raise DataError(table, problem, "a name belongs to one patient")


def _is_readable(image: Path) -> bool:
    try:
        read_png_size(image)
    except DataError:
        return False
    return True


def _labels(root: Path, folder: str, images: Sequence[Path]) -> dict[str, Path]:
    """The folder's labels by name."""
    known = {image.name for image in images}
    labels = {}
    for path in files_of(root, root / folder, ".png"):
        if path.name not in known:
            raise DataError(path, "is a label without an image", f"{_IMAGES}/ holds one of the same name for each")
        labels[path.name] = path
    return labels


def _by_patient(
    table: Path, images: Sequence[Path], rows: Sequence[Mapping[str, str]], names: Sequence[str]
) -> dict[str, dict[int, Path]]:
    """The images of each patient by number."""
    patients = {row["patient_id"]: row["patient_id"] for row in rows}
    patients = dict(zip(names, patients, strict=True)) | patients
    own: dict[str, dict[int, Path]] = defaultdict(dict)
    for path in images:
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise DataError(path, "has no number at its end", f"a frame is called <patient_id>-<NNNN>{path.suffix}")
        # Of patients P and P-1, P-1-0048 is the latter's.
        name = max((name for name in patients if f"{match[1]}-".startswith(f"{name}-")), key=len, default=None)
        if name is None:
            raise DataError(path, f"is the image of nobody in {table.name}", "its name begins with a patient's there")
        frames, number = own[patients[name]], int(match[2])
        if number in frames:
            problem = f"is frame {number}, and so is {frames[number].name}"
            raise DataError(path, problem, "each frame has its own number")
        frames[number] = path
    return own


def _patient(
    table: Path, row: Mapping[str, str], name: str, images: Mapping[int, Path], labels: Mapping[str, Mapping[str, Path]]
) -> PatientFiles:
    patient_id = row["patient_id"]
    if not images:
        problem = f"lists patient {patient_id!r}, who has no image"
        raise DataError(table, problem, f"{_IMAGES}/ holds {name}-<NNNN>.png")
    spacing = _millimetres(table, row, "pixel_spacing_mm", PIXEL_SPACING_RANGE)
    if spacing is None:
        raise DataError(table, f"has no pixel_spacing_mm of patient {patient_id!r}", "a number of mm is due")
    slice_spacing = _millimetres(table, row, "slice_spacing_mm", _SLICE_SPACINGS)
    phases = _phases(table, row)
    frames = tuple(
        _frame(
            path,
            (patient_id, name),
            number,
            phases,
            (spacing, slice_spacing),
            {border: paths.get(path.name) for border, paths in labels.items()},
        )
        for number, path in sorted(images.items())
    )
    return PatientFiles(patient_id, name, (), (), frames, phases)


def _millimetres(table: Path, row: Mapping[str, str], column: str, limits: tuple[float, float]) -> float | None:
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text.replace("_", "?"))  # Python takes 1_0 for ten
    except ValueError:
        value = math.nan
    if not limits[0] <= value <= limits[1]:
        problem = f"has {column} {text[:40]!r} of patient {row['patient_id']!r}"
        raise DataError(table, problem, f"{limits[0]:g} to {limits[1]:g} mm are due")
    return value


def _phases(table: Path, row: Mapping[str, str]) -> int:
    text = row.get("phases") or str(_PHASES)
    match = re.fullmatch(r"([0-9]{1,9})(\.0*)?", text)  # spreadsheets write 20.0
    phases = int(match[1]) if match else 0
    if not 0 < phases <= _MOST:
        problem = f"has phases {text[:40]!r} of patient {row['patient_id']!r}"
        raise DataError(table, problem, f"a heart's cycle has 1 to {_MOST}")
    return phases


def _frame(
    path: Path,
    names: tuple[str, str],
    number: int,
    phases: int,
    spacings: tuple[float, float | None],
    labels: Mapping[str, Path | None],
) -> Frame:
    rows, columns = read_png_size(path)
    for label in filter(None, labels.values()):
        size = read_png_size(label)
        if size != (rows, columns):
            problem = f"has {size[0]} x {size[1]} pixels, and its image {rows} x {columns}"
            raise DataError(label, problem, "a label is as large as its image")
    slice_, phase = divmod(number - 1, phases)
    if not 0 <= slice_ < _MOST:
        problem = f"has the number {number}, which is slice {slice_} at {phases} phases"
        raise DataError(path, problem, "it is phases * slice + phase + 1, slice and phase from 0")
    return Frame(
        path,
        *names,
        rows=rows,
        columns=columns,
        instance_number=number,
        pixel_spacing=(spacings[0],) * 2,
        slice_spacing=spacings[1],
        slice=slice_,
        phase=phase,
        **labels,
    )
