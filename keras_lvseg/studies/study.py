"""Study: the frames of one short-axis stack."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.skipped_file import SkippedFile


@dataclass(frozen=True)
class Study:
    """The frames of one short-axis stack, whatever files hold them.

    Attributes:
        name: The patient if known, else the name of the NIfTI file or the folder of the images. Unique among the
            studies of one input.
        frames: The frames, by slice and then by phase.
        geometry_error: Why slices and phases are unknown. `Frame.slice` and `Frame.phase` then mean nothing. None if
            they are known.
        skipped: Images of the same patient and examination that are left out, each with its reason.

    Example:
        >>> frames = [Frame(Path(f"{s}.dcm"), "P1", "P1", rows=256, columns=256, slice=s) for s in (0, 1, 3)]
        >>> study = Study("P1", tuple(frames))
        >>> study.slices, study.missing_slices, study.phases
        ((0, 1, 3), (2,), (0,))
    """

    name: str
    frames: tuple[Frame, ...]
    geometry_error: str | None = None
    skipped: tuple[SkippedFile, ...] = ()

    @property
    def patient_id(self) -> str:
        """The patient's name in the images; empty if unknown."""
        return self.frames[0].patient_id if self.frames else ""

    @property
    def slices(self) -> tuple[int, ...]:
        """Indices of the slices that have a frame."""
        return tuple(sorted({frame.slice for frame in self.frames}))

    @property
    def phases(self) -> tuple[int, ...]:
        """Indices of the phases that have a frame."""
        return tuple(sorted({frame.phase for frame in self.frames}))

    @property
    def missing_slices(self) -> tuple[int, ...]:
        """Indices of slices without a frame, between the first and the last slice that have one."""
        present = self.slices
        return tuple(sorted(set(range(present[0], present[-1])) - set(present))) if present else ()

    def restrict_to(self, keys: Container[tuple[Path, int | None]]) -> Study:
        """Return the study with only the frames whose `Frame.key` is in `keys`."""
        return replace(self, frames=tuple(frame for frame in self.frames if frame.key in keys))
