"""Labelled NIfTI: a label beside each image, or images and labels in two folders.

    patient001/patient001_frame01.nii.gz        one phase: x, y, slice
    patient001/patient001_frame01_gt.nii.gz     its label

    images/patient001.nii.gz                    x, y, slice, and phase if it has four dimensions
    labels/patient001.nii.gz                    its label

Files `<patient>_frame<NN>` are phases of one patient, in either form. Of the first form, other images without a label
are left out. A slice without a pixel of the cavity is unlabelled. A label has the grid of its image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.data.layouts.discovery import list_subfolders, require_inside
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.io.nifti import (
    NiftiHeader,
    is_nifti,
    label_stem,
    nifti_stem,
    patient_and_phase,
    read_nifti_header,
    read_nifti_pixels,
)
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "<patient>_frame<NN>.nii.gz beside <patient>_frame<NN>_gt.nii.gz, or images/ and labels/ with NIfTI files"

_IMAGES, _LABELS = "images", "labels"
_VALUES = {"cavity": 1, "myocardium": 2}
_MAX_VALUE = 255


def matches(root: Path) -> bool:
    """Return whether `root` is such a tree."""
    if _has_two_folders(root):
        return bool(_nifti_files(root / _IMAGES))
    # A link is not followed before `require_inside` has checked it.
    folders = (folder for folder in (root, *list_subfolders(root)) if not folder.is_symlink())
    return any(label_stem(path) is not None for folder in folders for path in _nifti_files(folder))


def index(root: Path, label_values: Mapping[str, int] | None = None) -> tuple[PatientFiles, ...]:
    """List the patients by name. Labels are read, of images only the headers.

    Args:
        root: The tree.
        label_values: Values of "cavity" and "myocardium" in the labels. None means 1 and 2, as `segment` writes them.

    Raises:
        DataError: A label has no image, another grid than its image, or no pixel of the cavity. A patient has two
            images of one phase. A file is damaged or lies outside the tree.
        ValueError: `label_values` has other keys, or values that are not two numbers from 1 to 255.
    """
    values = _checked(label_values)
    pairs = list(_pairs(root))
    require_inside(root, [path for pair in pairs for path in pair if path])
    by_patient: dict[str, dict[int, tuple[Path, Path | None]]] = defaultdict(dict)
    for image, label in pairs:
        patient, number = patient_and_phase(image) or (nifti_stem(image), 1)
        if number in by_patient[patient]:
            problem = f"has the patient and phase of {by_patient[patient][number][0]}"
            raise DataError(image, problem, expected="one image of each phase")
        by_patient[patient][number] = image, label
    return tuple(_patient(patient, by_patient[patient], values) for patient in sorted(by_patient))


def _checked(label_values: Mapping[str, int] | None) -> tuple[int, int]:
    values = dict(_VALUES if label_values is None else label_values)
    numbers = [values.get(name) for name in _VALUES]
    valid = all(isinstance(number, int) and 0 < number <= _MAX_VALUE for number in numbers)
    if values.keys() != _VALUES.keys() or not valid or numbers[0] == numbers[1]:
        rule = f"'cavity' and 'myocardium' with two numbers from 1 to {_MAX_VALUE}"
        raise invalid_argument("label_values", label_values, rule)
    return values["cavity"], values["myocardium"]


def _has_two_folders(root: Path) -> bool:
    folders = (root / _IMAGES, root / _LABELS)
    return all(folder.is_dir() and not folder.is_symlink() for folder in folders)


def _nifti_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if is_nifti(path) and not path.name.startswith("."))


def _pairs(root: Path) -> Iterator[tuple[Path, Path | None]]:
    """Yield each image and its label."""
    if _has_two_folders(root):
        yield from _matched(_nifti_files(root / _IMAGES), {nifti_stem(p): p for p in _nifti_files(root / _LABELS)})
        return
    folders = list_subfolders(root)
    require_inside(root, folders)
    for folder in (root, *folders):
        files = _nifti_files(folder)
        labels = {stem: path for path in files if (stem := label_stem(path)) is not None}
        images = [path for path in files if label_stem(path) is None]
        named = [path for path in images if nifti_stem(path) in labels or patient_and_phase(path)]
        yield from _matched(named, labels)


def _matched(images: Sequence[Path], labels: Mapping[str, Path]) -> Iterator[tuple[Path, Path | None]]:
    left = dict(labels)
    for image in images:
        yield image, left.pop(nifti_stem(image), None)
    for label in left.values():
        raise DataError(label, "is a label without an image", expected="an image of the same name")


def _patient(patient: str, files: Mapping[int, tuple[Path, Path | None]], values: tuple[int, int]) -> PatientFiles:
    first = min(1, *files)  # frames are numbered from 1; some files count from 0
    frames: list[Frame] = []
    for number, (image, label) in sorted(files.items()):
        header = read_nifti_header(image)
        shift = number - first if len(files) > 1 or header.phases == 1 else 0
        frames += _frames(header, label, values, {"patient_id": patient, "original_id": patient}, shift)
    places = {(frame.slice, frame.phase) for frame in frames}
    if len(places) < len(frames):
        raise DataError(frames[0].path, "has phases of other files of its patient", expected="one image of each phase")
    frames.sort(key=lambda frame: (frame.slice, frame.phase))
    return PatientFiles(patient, patient, (), (), tuple(frames), 1 + max(frame.phase for frame in frames))


def _frames(
    header: NiftiHeader, label: Path | None, values: tuple[int, int], names: Mapping[str, str], shift: int
) -> Iterator[Frame]:
    if label is not None:
        own = read_nifti_header(label)
        if own.phases != header.phases or own.flips != header.flips or not own.same_grid(header):
            raise DataError(label, "has another grid than its image", expected="the shape and affine of the image")
    found = False
    for slice_ in range(header.slices):
        for phase in range(header.phases):
            known: dict[str, object] = {}
            if label is not None:
                present = np.unique(read_nifti_pixels(label, header.number(slice_, phase)))
                if values[0] in present:
                    found = True
                    known = {"endocardium": label, "label_values": values}
                    known |= {"epicardium": label} if values[1] in present else {}
            yield Frame.from_nifti(header, (slice_, phase), phase=phase + shift, **names, **known)
    if label is not None and not found:
        raise DataError(label, "has no pixel of the cavity", expected=f"the value {values[0]}; see `label_values`")
