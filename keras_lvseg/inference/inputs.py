"""Search for images to segment in a file or folder, by study."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_lvseg.data.layouts import PatientFiles, index_tree, is_tree, png_table
from keras_lvseg.errors import DataError
from keras_lvseg.inference.output_names import image_stem
from keras_lvseg.io.dicom import Header, is_dicom, read_header, read_size_and_spacing
from keras_lvseg.io.png import is_png, read_png_size
from keras_lvseg.studies.assemble import assemble_study
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE, Frame
from keras_lvseg.studies.series import split_series
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study

RESULT_FILE = "segmentation.json"
"""The file that marks a folder as results of an earlier run."""

_TEXT_SUFFIXES = {".csv", ".json", ".md", ".txt"}  # tables and contours of a known tree
_LABEL_FOLDERS = {"i_labels", "o_labels"}  # labels of the PNG files in images/
_UNKNOWN_PATIENT = ("", "")  # patient_id and original_id


@dataclass(frozen=True)
class Inputs:
    """The images of a file or folder.

    Attributes:
        root: The folder, resolved. For a single file, its folder.
        studies: The images by study.
        skipped: Files that are not images, or are unusable.
        notes: Further lines for the user.
    """

    root: Path
    studies: tuple[Study, ...]
    skipped: tuple[SkippedFile, ...]
    notes: tuple[str, ...]


def find_inputs(source: str | os.PathLike[str], pixel_spacing: float | tuple[float, float] | None = None) -> Inputs:
    """Search a file or folder for images. Headers are read, pixels are not.

    Each file becomes part of a study or a skipped file, except hidden files, DICOMDIR, labels beside `images/`, and
    the tables and contours of a tree that `SAXDataset` reads. Folders with results of earlier runs are ignored.

    Args:
        source: A DICOM file, a PNG, or a folder with such files at any depth.
        pixel_spacing: Distance between rows and between columns in mm, or one number for both, of images without one.
            None leaves it unknown.

    Raises:
        DataError: `source` does not exist.
    """
    source = Path(source)
    if not source.exists():
        raise DataError(source, "does not exist", expected="a DICOM file, a PNG or a folder of these")
    # Resolved like the paths of a known tree. A single file keeps its own name.
    folder = source.is_dir()
    root = (source if folder else source.parent).resolve()
    skipped: list[SkippedFile] = []
    tree = _find_tree(root, folder)
    patients, known_studies, notes = _read_tree(tree) if tree else ({}, [], [])
    files = _list_files(root, tree == root, skipped) if folder else [root / source.name]
    known_studies = [study.restrict_to({(path, None) for path in files}) for study in known_studies]
    known = {frame.path for study in known_studies for frame in study.frames}
    spacing = tuple(np.broadcast_to(np.nan if pixel_spacing is None else pixel_spacing, 2).tolist())
    headers: list[Header] = []
    standalone: list[tuple[Frame, str]] = []
    for path in (path for path in files if path not in known):
        try:
            found = _read_image_header(path, patients.get(path, _UNKNOWN_PATIENT), spacing)
        except DataError as error:
            skipped.append(SkippedFile(path, error.reason))
        else:
            if isinstance(found, Header):
                headers.append(found)
            else:
                standalone.append(found)
    studies = [*known_studies, *_series_studies(root, headers, patients), *_standalone_studies(root, standalone)]
    if not folder:
        studies = [replace(study, name=image_stem(source)) for study in studies]
    studies = [usable for study in studies if (usable := _skip_invalid_spacings(study, skipped)).frames]
    return Inputs(root, tuple(_make_names_unique(studies)), tuple(skipped), tuple(notes))


def _find_tree(root: Path, folder: bool) -> Path | None:
    """Return the folder if it is a known tree, the tree if the folder is its `images`, else None."""
    if folder and is_tree(root):
        return root
    return root.parent if root.name == "images" and png_table.matches(root.parent) else None


def _list_files(root: Path, is_known_tree: bool, skipped: list[SkippedFile]) -> list[Path]:
    """List all files below a folder in order. Links to folders and unreadable folders are skipped."""

    def skip(error: OSError) -> None:
        skipped.append(SkippedFile(Path(error.filename), f"cannot be read ({error.strerror})"))

    files = []
    for parent, folders, names in os.walk(root, onerror=skip):
        if RESULT_FILE in names:
            folders.clear()
            continue
        left_out = {"__MACOSX", *(_LABEL_FOLDERS if "images" in folders else ())}
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in left_out)
        links = [Path(parent, name) for name in folders if Path(parent, name).is_symlink()]
        skipped += [SkippedFile(link, "is a link to a folder; segment that folder itself") for link in links]
        for path in (Path(parent, name) for name in sorted(names)):
            hidden = path.name.startswith(".") or path.name.upper() == "DICOMDIR"
            if not (hidden or (is_known_tree and path.suffix.lower() in _TEXT_SUFFIXES)):
                files.append(path)
    return files


def _read_tree(root: Path) -> tuple[dict[Path, tuple[str, str]], list[Study], list[str]]:
    """Return the patient of each DICOM file of a known tree, the studies of its PNG files, and notes on faults."""
    try:
        patients = png_table.index(root, skip_unreadable=True) if png_table.matches(root) else index_tree(root)
    except DataError as error:
        return {}, [], [f"{error}: the folder's tables are ignored, images are grouped by their headers"]
    patients_by_path = {path: (files.patient_id, files.original_id) for files in patients for path in files.images}
    frames = {files.patient_id: tuple(f for f in files.frames if is_png(f.path)) for files in patients}
    return patients_by_path, [Study(name, own) for name, own in frames.items() if own], []


def _read_image_header(
    path: Path, patient: tuple[str, str], spacing: tuple[float, float]
) -> Header | tuple[Frame, str]:
    """Return the header, or a standalone frame and the reason if the header is incomplete."""
    if is_png(path):
        rows, columns = read_png_size(path)
        return Frame(path, *patient, rows=rows, columns=columns, pixel_spacing=spacing), "a PNG has no slice and phase"
    if not is_dicom(path):
        raise DataError(path, "is neither DICOM nor PNG")
    try:
        return read_header(path)
    except DataError as error:
        (rows, columns), own_spacing = read_size_and_spacing(path)
        spacing = spacing if np.isnan(own_spacing).any() else own_spacing
        return Frame(path, *patient, rows=rows, columns=columns, pixel_spacing=spacing), _reason(error)


def _reason(error: DataError) -> str:
    return f"{Path(error.path).name}: {error.reason}"


def _standalone_studies(root: Path, images: Sequence[tuple[Frame, str]]) -> Iterator[Study]:
    """Make one study of the standalone frames of each folder, with the reason of the first one."""
    folders = defaultdict(list)
    for frame, reason in images:
        folders[frame.path.parent, is_png(frame.path)].append((frame, reason))
    for (folder, _), own in folders.items():
        frames = tuple(frame for frame, _ in own)
        yield Study(frames[0].patient_id or _folder_name(root, [folder]), frames, own[0][1])


def _series_studies(
    root: Path, headers: Sequence[Header], patient_of: Mapping[Path, tuple[str, str]]
) -> Iterator[Study]:
    patients = defaultdict(list)
    for header in headers:
        patients[patient_of.get(header.path, _UNKNOWN_PATIENT)].append(header)
    every_series = ((patient, series) for patient, own in patients.items() for series in split_series(own))
    for patient, series in every_series:
        paths = tuple(header.path for header in series)
        name = patient[0] or _folder_name(root, [path.parent for path in paths])
        try:
            yield Study(name, assemble_study(PatientFiles(*patient, paths, ()), series).frames)
        except DataError as error:
            patient_id, original_id = patient
            frames = tuple(
                Frame.from_header(header, patient_id=patient_id, original_id=original_id) for header in series
            )
            yield Study(name, frames, _reason(error))


def _folder_name(root: Path, folders: Sequence[Path]) -> str:
    """Return the common folder as a path from the root."""
    folder = Path(os.path.commonpath(folders)).relative_to(root)
    return folder.as_posix() if folder.name else root.name


def _skip_invalid_spacings(study: Study, skipped: list[SkippedFile]) -> Study:
    """Return the study without images of invalid pixel spacing, which are added to `skipped`."""
    low, high = PIXEL_SPACING_RANGE
    frames = []
    for frame in study.frames:
        if all(np.isnan(spacing) or low <= spacing <= high for spacing in frame.pixel_spacing):
            frames.append(frame)
        else:
            spacing = " x ".join(f"{spacing:g}" for spacing in frame.pixel_spacing)
            reason = f"has an invalid pixel spacing; expected {low:g} to {high:g} mm, got {spacing}"
            skipped.append(SkippedFile(frame.path, reason))
    return replace(study, frames=tuple(frames))


def _make_names_unique(studies: Sequence[Study]) -> Iterator[Study]:
    """Number studies of the same name."""
    taken: set[str] = set()
    for study in studies:
        name, number = study.name, 1
        while name in taken:
            number += 1
            name = f"{study.name}-{number}"
        taken.add(name)
        yield replace(study, name=name)
