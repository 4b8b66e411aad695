"""What was found to segment: images by study, and files that are none."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

from keras_lvseg.errors import DataError
from keras_lvseg.io.png import is_png
from keras_lvseg.studies.frame import Frame

WRITTEN = "segmentation.json"
"""The file that tells a folder of results, which is not looked into, from one of images."""

DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
"""Those that DICOM files have, where they have one; in lower case."""


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not segmented.

    Attributes:
        file: Where it lies.
        why: What is wrong with it.
    """

    file: Path
    why: str

    @classmethod
    def of(cls, file: Path, error: DataError) -> SkippedFile:
        """What an error says of a file."""
        return cls(file, error.reason)


@dataclass(frozen=True)
class Study:
    """Images of one series.

    Attributes:
        name: The patient, where the tree tells; else the folder that the images lie in. No two studies share it.
        frames: The images; a pixel spacing that is not known is nan.
        unplaced: Why it is not known which slice and phase each shows (`Frame.slice` and `Frame.phase` then mean
            nothing); None where it is.
    """

    name: str
    frames: tuple[Frame, ...]
    unplaced: str | None = None

    def only(self, files: Container[Path]) -> Study:
        """The study less the images that are not of `files`."""
        return replace(self, frames=tuple(frame for frame in self.frames if frame.path in files))


@dataclass(frozen=True)
class Inputs:
    """What was found.

    Attributes:
        root: The folder, resolved; of a single file its folder.
        studies: The images.
        refused: Files that are no images, or none that can be used.
        notes: What else a user has to know, a line each.
    """

    root: Path
    studies: tuple[Study, ...]
    refused: tuple[SkippedFile, ...]
    notes: tuple[str, ...]


def image_stem(path: Path) -> str:
    """An image file's name without the suffix that images have; other dots, as in a UID, are part of the name.

    Example:
        >>> image_stem(Path("a/IM-0001-0059.dcm")), image_stem(Path("1.2.840.59"))
        ('IM-0001-0059', '1.2.840.59')
    """
    return path.stem if is_png(path) or path.suffix.lower() in DICOM_SUFFIXES else path.name
