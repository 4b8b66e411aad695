"""Study: the frames of one short-axis stack."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import slice_normal
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

    def affine(self) -> np.ndarray:
        """Return the affine of a volume of the study, as NIfTI has it.

        Returns:
            Array of shape (4, 4): from the indices of column, row and slice to mm, right-anterior-superior. Slices
            count from the first one of `slices`, and missing slices are empty. The mean step stands for uneven slices.

        Raises:
            DataError: Slices and phases are unknown, or frames differ in size, pixel spacing or direction, so that they
                are not one volume.

        Example:
            >>> at = {"rows": 9, "columns": 9, "pixel_spacing": (1.5, 1.5), "orientation": (1, 0, 0, 0, 1, 0)}
            >>> frames = [Frame(Path(f"{s}.dcm"), "", "", slice=s, position=(0, 0, 8 * s), **at) for s in range(3)]
            >>> Study("heart", tuple(frames)).affine().diagonal().tolist()
            [-1.5, -1.5, 8.0, 1.0]
        """
        first = self.frames[0]
        if self.geometry_error or np.isnan([*first.pixel_spacing, *first.position, *first.orientation]).any():
            problem = "is of a study without a place in space"
            raise DataError(first.path, problem, expected="position, direction and spacing")
        for frame in self.frames:
            same = frame.shape == first.shape and all(
                np.allclose(getattr(frame, name), getattr(first, name), atol=1e-3)
                for name in ("pixel_spacing", "orientation")
            )
            if not same:
                problem = f"has another size, pixel spacing or direction than {first.path.name}"
                raise DataError(frame.path, problem, expected="one grid in a volume")
        slices = self.slices
        last = next(frame for frame in self.frames if frame.slice == slices[-1])
        along_row, along_column = np.reshape(first.orientation, (2, 3))
        affine = np.eye(4)
        affine[:3, 0] = along_row * first.pixel_spacing[1]
        affine[:3, 1] = along_column * first.pixel_spacing[0]
        if len(slices) > 1:
            affine[:3, 2] = np.subtract(last.position, first.position) / (slices[-1] - slices[0])
        else:
            affine[:3, 2] = slice_normal(first.orientation) * (first.slice_spacing or first.slice_thickness or 1.0)
        affine[:3, 3] = first.position
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine

    def restrict_to(self, keys: Container[tuple[Path, int | None]]) -> Study:
        """Return the study with only the frames whose `Frame.key` is in `keys`."""
        return replace(self, frames=tuple(frame for frame in self.frames if frame.key in keys))
