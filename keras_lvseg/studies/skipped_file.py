"""SkippedFile: a file, or one image of a file, that is left out, and the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SkippedFile:
    """A file, or one image of a file, that is left out.

    Attributes:
        path: The file or folder.
        reason: What is wrong with it, a phrase that follows the path.
        record: Number of the image in the file, see `Frame.record`. None if the whole file is left out.
    """

    path: Path
    reason: str
    record: int | None = None
