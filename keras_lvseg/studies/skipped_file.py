"""SkippedFile: a file that is left out, and the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SkippedFile:
    """A file that is left out.

    Attributes:
        path: The file or folder.
        reason: What is wrong with it, a phrase that follows the path.
    """

    path: Path
    reason: str
