"""Search for images to segment in a file or folder, by study."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_lvseg.data.layouts import index_tree, is_tree, labelled_nifti, png_table
from keras_lvseg.errors import DataError
from keras_lvseg.inference.input_studies import Content, InputImages, Names, read_contents
from keras_lvseg.inference.output_names import image_stem, unique_names
from keras_lvseg.io.png import is_png
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study

RESULT_FILE = "segmentation.json"
"""The file that marks a folder as results of an earlier run."""

_RESULT_FILES = {RESULT_FILE, "study.json"}
_TEXT_SUFFIXES = {".csv", ".json", ".md", ".txt"}  # tables and contours of a known tree
_LABEL_FOLDERS = {"i_labels", "o_labels", "labels"}  # labels of the files in images/


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


def find_inputs(
    source: str | os.PathLike[str],
    pixel_spacing: float | tuple[float, float] | None = None,
    read: Callable[[Sequence[Path]], Iterable[Content | DataError]] = read_contents,
    on_read: Callable[[int, int], None] | None = None,
) -> Inputs:
    """Search a file or folder for images. Headers are read, pixels are not.

    Each image becomes part of a study or a skipped file, except hidden files, DICOMDIR, labels beside `images/`, and
    the tables and contours of a tree that `SAXDataset` reads. Folders with results of earlier runs are ignored.

    Args:
        source: A DICOM, NIfTI or PNG file, or a folder with such files at any depth.
        pixel_spacing: Distance between rows and between columns in mm, or one number for both, of images without one.
            None leaves it unknown.
        read: Reads the headers of files, as `read_contents` does.
        on_read: Called after each header with the number of headers that were read and of all headers.

    Raises:
        DataError: `source` does not exist.
    """
    source = Path(source)
    if not source.exists():
        raise DataError(source, "does not exist", expected="a DICOM, NIfTI or PNG file or a folder of these")
    # Resolved like the paths of a known tree. A single file keeps its own name.
    folder = source.is_dir()
    root = (source if folder else source.parent).resolve()
    skipped: list[SkippedFile] = []
    tree = _find_tree(root, folder)
    patients, known_studies, notes = _read_tree(tree) if tree else ({}, [], [])
    files = _list_files(root, tree == root, skipped) if folder else [root / source.name]
    known_studies = [study.restrict_to({(path, None) for path in files}) for study in known_studies]
    known = {frame.path for study in known_studies for frame in study.frames}
    rows, columns = np.broadcast_to(np.nan if pixel_spacing is None else pixel_spacing, 2).tolist()
    images = InputImages(root, patients, (rows, columns))
    unknown = [path for path in files if path not in known]
    for done, (path, content) in enumerate(zip(unknown, read(unknown), strict=True), start=1):
        if isinstance(content, DataError):
            skipped.append(SkippedFile(path, content.reason))
        else:
            images.add(path, content)
        if on_read:
            on_read(done, len(unknown))
    studies = [study for study in (*known_studies, *images.studies()) if study.frames]
    if not folder:
        studies = [replace(study, name=image_stem(source)) for study in studies]
    names = unique_names((study.name for study in studies), fold=str)
    named = (replace(study, name=name) for study, name in zip(studies, names, strict=True))
    return Inputs(root, tuple(named), tuple(skipped), tuple(notes))


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
        if _RESULT_FILES & set(names):
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


def _read_tree(root: Path) -> tuple[dict[Path, Names], list[Study], list[str]]:
    """Return the patient of each DICOM file of a known tree, the studies of its PNG files, and notes on faults."""
    if labelled_nifti.matches(root):
        return {}, [], []  # the names of the images have the patients
    try:
        patients = png_table.index(root, skip_unreadable=True) if png_table.matches(root) else index_tree(root)
    except DataError as error:
        return {}, [], [f"{error}: the folder's tables are ignored, images are grouped by their headers"]
    patients_by_path = {path: (files.patient_id, files.original_id) for files in patients for path in files.images}
    frames = {files.patient_id: tuple(f for f in files.frames if is_png(f.path)) for files in patients}
    return patients_by_path, [Study(name, own) for name, own in frames.items() if own], []
