"""Study: the images of one series."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class Study:
    """The images of one series.

    Attributes:
        name: The patient if known, else the folder of the images. Unique among the studies of one input.
        frames: The images.
        geometry_error: Why slices and phases are unknown. `Frame.slice` and `Frame.phase` then mean nothing. None if
            they are known.
    """

    name: str
    frames: tuple[Frame, ...]
    geometry_error: str | None = None

    def restrict_to(self, paths: Container[Path]) -> Study:
        """Return the study with only the frames whose file is in `paths`."""
        return replace(self, frames=tuple(frame for frame in self.frames if frame.path in paths))
