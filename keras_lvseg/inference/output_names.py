"""Unique names of result files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_lvseg.io.dicom import DICOM_SUFFIXES
from keras_lvseg.io.png import is_png
from keras_lvseg.studies.study import Study


def image_stem(path: Path) -> str:
    """Return the name of an image file without its image suffix; other dots, as in a UID, stay.

    Example:
        >>> image_stem(Path("a/IM-0001-0059.dcm")), image_stem(Path("1.2.840.59"))
        ('IM-0001-0059', '1.2.840.59')
    """
    return path.stem if is_png(path) or path.suffix.lower() in DICOM_SUFFIXES else path.name


def image_names(images: Sequence[Path]) -> list[str]:
    """Name result images after image files, with their folders only if the file names are ambiguous.

    Args:
        images: Image files, as paths from one folder.

    Returns:
        One path per image, without suffix. They also differ if upper and lower case are ignored.

    Example:
        >>> image_names([Path("a/1.dcm"), Path("b/2.dcm")])
        ['1', '2']
        >>> image_names([Path("dicoms/a/1.dcm"), Path("dicoms/b/1.dcm")])
        ['a/1', 'b/1']
        >>> image_names([Path("a/1.dcm"), Path("a/1.png")])
        ['1.dcm', '1.png']
    """
    common = os.path.commonpath([path.parent for path in images])
    stems = [image_stem(path) for path in images]
    folders = [path.parent.relative_to(common) for path in images]
    in_folders = [(folder / stem).as_posix() for folder, stem in zip(folders, stems, strict=True)]
    for names in (stems, [path.name for path in images], in_folders):
        if _are_unique(names):
            return names
    return [path.relative_to(common).as_posix() for path in images]


def contour_names(study: Study) -> list[str]:
    """Name the contour files of a study's images by InstanceNumber if it is unique, else after the image files."""
    numbers = [frame.instance_number for frame in study.frames]
    if _are_unique(numbers) and min(numbers) > 0:
        stems = [f"IM-0001-{number:04d}" for number in numbers]
    else:
        stems = image_names([frame.path for frame in study.frames])
    return [f"{study.name}/{stem}-icontour-auto.txt" for stem in stems]


def _are_unique(names: Iterable[object]) -> bool:
    folded = [str(name).casefold() for name in names]
    return len(set(folded)) == len(folded)
