"""Unique names of result folders and files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from keras_lvseg.io.dicom import DICOM_SUFFIXES
from keras_lvseg.io.nifti import is_nifti, nifti_stem
from keras_lvseg.io.png import is_png
from keras_lvseg.studies.frame import Frame

SUMMARY_FILES = ("volumes.csv", "segmentation.json", "index.html")
"""The files beside the folders of the studies."""

_MAX_BYTES = 150  # of a name; file systems take 255, and names get suffixes
_RESERVED = frozenset('<>:"/\\|?*')  # not allowed in names on some systems


def image_stem(path: Path) -> str:
    """Return the name of an image file without its image suffix; other dots, as in a UID, stay.

    Example:
        >>> image_stem(Path("a/IM-0001-0059.dcm")), image_stem(Path("1.2.840.59")), image_stem(Path("sax.nii.gz"))
        ('IM-0001-0059', '1.2.840.59', 'sax')
    """
    if is_nifti(path):
        return nifti_stem(path)
    return path.stem if is_png(path) or path.suffix.lower() in DICOM_SUFFIXES else path.name


def study_folders(names: Iterable[str]) -> list[str]:
    """Return a folder name for each study: one path component that every file system takes.

    Args:
        names: Names of the studies, any text.

    Returns:
        Names of at most about 150 bytes that differ also if upper and lower case are ignored.

    Example:
        >>> study_folders(["P1", "p1", "day 2/sax", ""])
        ['P1', 'p1-2', 'day 2_sax', 'study']
    """
    return [*unique_names((safe_name(name) for name in names), SUMMARY_FILES)]


def numbered_study(number: int) -> str:
    """Return the name of a study that must not tell the patient.

    Example:
        >>> numbered_study(12)
        'study-0012'
    """
    return f"study-{number:04d}"


def safe_name(text: str) -> str:
    r"""Return text as a file name: long ones shortened, reserved and unprintable characters replaced by "_".

    Example:
        >>> safe_name("../a\x1b[31m"), len(safe_name("n" * 250))
        ('_._a_[31m', 150)
    """
    name = "".join("_" if c in _RESERVED or not c.isprintable() else c for c in text).rstrip(". ")
    name = f"_{name[1:]}" if name.startswith(".") else name
    if len(name.encode()) > _MAX_BYTES:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name.encode()[: _MAX_BYTES - 9].decode(errors='ignore')}-{digest}"
    return name or "study"


def image_names(frames: Sequence[Frame], *, placed: bool, anonymous: bool = False) -> list[str]:
    """Name the result images of a study after the image files.

    - A name has folders only if the file names are ambiguous.
    - An image of a file with several is `slice<SS>_phase<PP>`, or `<file>_frame<NNNN>` if the place is unknown.

    Args:
        frames: Frames of a study.
        placed: Whether slices and phases are known.
        anonymous: Whether to use slice and phase in place of the file names, or a number if they are unknown.

    Returns:
        One path per frame, without suffix. They also differ if upper and lower case are ignored.

    Example:
        >>> frames = [Frame(Path(name), "", "", rows=9, columns=9) for name in ("a/1.dcm", "b/1.dcm")]
        >>> image_names(frames, placed=False), image_names(frames[:1], placed=False)
        (['a/1', 'b/1'], ['1'])
    """
    places = [f"slice{frame.slice:02d}_phase{frame.phase:02d}" for frame in frames]
    if placed and (anonymous or all(frame.record is not None for frame in frames)):
        return [*unique_names(places)]
    if anonymous:
        return [f"image{number:04d}" for number in range(1, len(frames) + 1)]
    paths = [frame.path for frame in frames]
    common = os.path.commonpath([path.parent for path in paths])
    stems = [image_stem(path) for path in paths]
    folders = [path.parent.relative_to(common) for path in paths]
    in_folders = [(folder / stem).as_posix() for folder, stem in zip(folders, stems, strict=True)]
    whole = [path.relative_to(common).as_posix() for path in paths]
    suffixes = ["" if frame.record is None else f"_frame{frame.record:04d}" for frame in frames]
    choices = (
        [f"{name}{suffix}" for name, suffix in zip(names, suffixes, strict=True)]
        for names in (stems, [path.name for path in paths], in_folders, whole)
    )
    chosen = next((names for names in choices if _are_unique(names)), [])
    return [*unique_names("/".join(safe_name(part) for part in name.split("/")) for name in chosen or whole)]


def contour_names(frames: Sequence[Frame], names: Sequence[str]) -> list[str]:
    """Name the contour files of a study's frames by InstanceNumber if it is unique, else after the images.

    Args:
        frames: Frames of a study.
        names: Their names from `image_names`.
    """
    numbers = [frame.instance_number for frame in frames]
    if _are_unique(numbers) and min(numbers) > 0:
        return [f"IM-0001-{number:04d}" for number in numbers]
    return [*names]


def unique_names(
    names: Iterable[str], taken: Iterable[str] = (), *, fold: Callable[[str], str] = str.casefold
) -> Iterator[str]:
    """Number names that an earlier one equals.

    Args:
        names: Any names.
        taken: Names that come before them.
        fold: What two names are compared by. The default ignores upper and lower case.

    Example:
        >>> list(unique_names(["P1", "p1", "P1"])), list(unique_names(["P1", "p1", "P1"], fold=str))
        (['P1', 'p1-2', 'P1-3'], ['P1', 'p1', 'P1-2'])
    """
    used = {fold(name) for name in taken}
    for name in names:
        own, number = name, 1
        while fold(own) in used:
            number += 1
            own = f"{name}-{number}"
        used.add(fold(own))
        yield own


def _are_unique(names: Iterable[object]) -> bool:
    folded = [str(name).casefold() for name in names]
    return len(set(folded)) == len(folded)
