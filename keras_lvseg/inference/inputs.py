"""What there is to segment in a file or a folder of any kind: images by study, and files that are none."""

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

_TEXTS = {".csv", ".json", ".md", ".txt"}  # a known tree's tables and contours
_NOBODY = ("", "")  # patient_id and original_id
_LABELS = {"i_labels", "o_labels"}  # pictures too, but of what lies in images/ beside them


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
    """Look for images; headers are read and no pixels.

    Every file ends in a study or among the skipped, but for hidden ones, DICOMDIR, labels beside `images/`, and the
    tables and contours of a tree that `keras_lvseg.data.layouts` knows. Results of earlier runs are not looked into.

    Args:
        source: A DICOM file, a PNG picture, or a folder with any of these, however deep.
        pixel_spacing: mm between rows and between columns, one number for both, of images whose header or table does
            not tell; None leaves it unknown.

    Raises:
        DataError: There is no such file or folder.
    """
    source = Path(source)
    if not source.exists():
        raise DataError(source, "is not there", "name a DICOM file, a PNG picture or a folder of these")
    # Resolved, as the paths are that a known tree tells; a file keeps its own name.
    folder = source.is_dir()
    root = (source if folder else source.parent).resolve()
    skipped: list[SkippedFile] = []
    tree = _tree(root, folder)
    names, known_studies, notes = _known(tree) if tree else ({}, [], [])
    files = _files(root, tree == root, skipped) if folder else [root / source.name]
    known_studies = [study.restrict_to(set(files)) for study in known_studies]
    known = {frame.path for study in known_studies for frame in study.frames}
    spacing = tuple(np.broadcast_to(np.nan if pixel_spacing is None else pixel_spacing, 2).tolist())
    headers: list[Header] = []
    standalone: list[tuple[Frame, str]] = []
    for path in (path for path in files if path not in known):
        try:
            found = _image(path, names.get(path, _NOBODY), spacing)
        except DataError as error:
            skipped.append(SkippedFile(path, error.reason))
        else:
            if isinstance(found, Header):
                headers.append(found)
            else:
                standalone.append(found)
    studies = [*known_studies, *_series(root, headers, names), *_standalone(root, standalone)]
    if not folder:
        studies = [replace(study, name=image_stem(source)) for study in studies]
    studies = [left for study in studies if (left := _within_spacings(study, skipped)).frames]
    return Inputs(root, tuple(_named_apart(studies)), tuple(skipped), tuple(notes))


def _tree(root: Path, folder: bool) -> Path | None:
    """The known tree that a folder is, or that it is the images of."""
    if folder and is_tree(root):
        return root
    return root.parent if root.name == "images" and png_table.matches(root.parent) else None


def _files(root: Path, tree: bool, skipped: list[SkippedFile]) -> list[Path]:
    """Every file that is to be looked at, in order; links to folders, and those that cannot be listed, are skipped."""

    def refuse(error: OSError) -> None:
        skipped.append(SkippedFile(Path(error.filename), f"cannot be read ({error.strerror})"))

    files = []
    for parent, folders, names in os.walk(root, onerror=refuse):
        if RESULT_FILE in names:
            folders.clear()
            continue
        left_out = {"__MACOSX", *(_LABELS if "images" in folders else ())}
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in left_out)
        links = [Path(parent, name) for name in folders if Path(parent, name).is_symlink()]
        skipped += [SkippedFile(link, "is a link to a folder; name that folder itself") for link in links]
        for path in (Path(parent, name) for name in sorted(names)):
            hidden = path.name.startswith(".") or path.name.upper() == "DICOMDIR"
            if not (hidden or (tree and path.suffix.lower() in _TEXTS)):
                files.append(path)
    return files


def _known(root: Path) -> tuple[dict[Path, tuple[str, str]], list[Study], list[str]]:
    """What a known tree tells: patients' names by DICOM file, its pictures' studies, and what is wrong with it."""
    try:
        patients = png_table.index(root, strict=False) if png_table.matches(root) else index_tree(root)
    except DataError as error:
        return {}, [], [f"{error}: the folder's own lists are left aside, and each image is taken as it is"]
    names = {path: (files.patient_id, files.original_id) for files in patients for path in files.images}
    frames = {files.patient_id: tuple(f for f in files.frames if is_png(f.path)) for files in patients}
    return names, [Study(name, own) for name, own in frames.items() if own], []


def _image(path: Path, patient: tuple[str, str], spacing: tuple[float, float]) -> Header | tuple[Frame, str]:
    """An image's header; of one that has none, or not all of it, what it is by itself, and why it is no more."""
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


def _standalone(root: Path, images: Sequence[tuple[Frame, str]]) -> Iterator[Study]:
    """Images that are by themselves, those of a folder together; and why the first of them is."""
    folders = defaultdict(list)
    for frame, why in images:
        folders[frame.path.parent, is_png(frame.path)].append((frame, why))
    for (folder, _), own in folders.items():
        frames = tuple(frame for frame, _ in own)
        yield Study(frames[0].patient_id or _folder_name(root, [folder]), frames, own[0][1])


def _series(root: Path, headers: Sequence[Header], names: Mapping[Path, tuple[str, str]]) -> Iterator[Study]:
    patients = defaultdict(list)
    for header in headers:
        patients[names.get(header.path, _NOBODY)].append(header)
    every = ((patient, series) for patient, own in patients.items() for series in split_series(own))
    for patient, series in every:
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
    """The folder that several lie in, as a path from the root."""
    folder = Path(os.path.commonpath(folders)).relative_to(root)
    return folder.as_posix() if folder.name else root.name


def _within_spacings(study: Study, skipped: list[SkippedFile]) -> Study:
    """The study less images whose pixel spacing cannot be meant, which are skipped."""
    low, high = PIXEL_SPACING_RANGE
    frames = []
    for frame in study.frames:
        if all(np.isnan(spacing) or low <= spacing <= high for spacing in frame.pixel_spacing):
            frames.append(frame)
        else:
            spacing = " x ".join(f"{spacing:g}" for spacing in frame.pixel_spacing)
            skipped.append(SkippedFile(frame.path, f"has a pixel spacing of {spacing} mm; {low:g} to {high:g} are due"))
    return replace(study, frames=tuple(frames))


def _named_apart(studies: Sequence[Study]) -> Iterator[Study]:
    """The studies, those of one name numbered."""
    taken: set[str] = set()
    for study in studies:
        name, number = study.name, 1
        while name in taken:
            number += 1
            name = f"{study.name}-{number}"
        taken.add(name)
        yield Study(name, study.frames, study.geometry_error)
