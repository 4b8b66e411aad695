"""Volumes of a study from the areas in its frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_lvseg.geometry import ejection_fraction, slice_extents, slice_normal, stack_volume
from keras_lvseg.studies.end_phases import end_phases
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.study import Study

MYOCARDIAL_DENSITY = 1.05
"""Mass of a millilitre of myocardium in g."""

_EVEN = 0.1  # relative deviation of a step from the median step


@dataclass(frozen=True)
class Flag:
    """A reason why the volumes of a study may be wrong or are unknown.

    Attributes:
        code: One word, such as "missing-slices". The page "Every key and column" has all.
        reason: A sentence without a full stop.
        images: Slice and phase of each image concerned. Empty if the flag is about the whole study.
    """

    code: str
    reason: str
    images: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class PhaseVolume:
    """The volumes of one phase.

    Attributes:
        phase: Index of the phase, from 0.
        volume_ml: Volume of the cavity: the sum of area times extent over the phase's slices, mL.
        slices: Number of slices that have this phase.
        slices_with_mask: Number of these slices whose cavity is not empty.
        myocardium_ml: Volume of the myocardium, mL. None if unknown.
    """

    phase: int
    volume_ml: float
    slices: int
    slices_with_mask: int
    myocardium_ml: float | None = None


@dataclass(frozen=True)
class StudyVolumes:
    """The volumes of a study.

    Attributes:
        phases: The volume of each phase; empty if volumes are unknown.
        ed: End-diastole: the largest cavity among the phases with all slices of the study, see `end_phases`. None if
            fewer than two phases have them.
        es: End-systole: the smallest cavity among the same phases.
        problem: Why a value is unknown. None if all are known.
        flags: Reasons why values may be wrong or are unknown.
    """

    phases: tuple[PhaseVolume, ...] = ()
    ed: PhaseVolume | None = None
    es: PhaseVolume | None = None
    problem: str | None = None
    flags: tuple[Flag, ...] = ()

    @property
    def edv_ml(self) -> float | None:
        """End-diastolic volume, mL."""
        return None if self.ed is None else self.ed.volume_ml

    @property
    def esv_ml(self) -> float | None:
        """End-systolic volume, mL."""
        return None if self.es is None else self.es.volume_ml

    @property
    def stroke_volume_ml(self) -> float | None:
        """End-diastolic minus end-systolic volume, mL."""
        return None if self.ed is None or self.es is None else self.ed.volume_ml - self.es.volume_ml

    @property
    def ejection_fraction(self) -> float | None:
        """Stroke volume over end-diastolic volume, in percent."""
        return None if self.ed is None or self.es is None else ejection_fraction(self.ed.volume_ml, self.es.volume_ml)

    @property
    def myocardial_mass_g(self) -> float | None:
        """Mass of the myocardium at end-diastole in g, at 1.05 g/mL."""
        if self.ed is None or self.ed.myocardium_ml is None:
            return None
        return MYOCARDIAL_DENSITY * self.ed.myocardium_ml


def study_volumes(study: Study, pixels: Sequence[int], myocardium_pixels: Sequence[int] | None = None) -> StudyVolumes:
    """Return the volumes of a study from its masks.

    Args:
        study: The study.
        pixels: Number of pixels of the cavity in each frame.
        myocardium_pixels: Number of pixels of the myocardium in each frame. None if unknown.

    Example:
        >>> from pathlib import Path
        >>> from keras_lvseg.studies import Frame
        >>> spacings = {"pixel_spacing": (1.5, 1.5), "slice_spacing": 8.0}
        >>> frames = tuple(
        ...     Frame(Path(f"{s}-{p}.dcm"), "P1", "P1", rows=256, columns=256, slice=s, phase=p, **spacings)
        ...     for s in range(2) for p in range(2)
        ... )
        >>> volumes = study_volumes(Study("P1", frames), [1000, 500, 600, 200])
        >>> [round(phase.volume_ml, 1) for phase in volumes.phases], round(volumes.ejection_fraction)
        ([28.8, 12.6], 56)
    """
    extents = slice_extents_mm(study.frames)
    unknown = _missing_volumes(study, extents)
    if unknown:
        return StudyVolumes(problem=unknown.reason, flags=(unknown,))
    cavity = volume_by_phase(_areas(study.frames, pixels), extents)
    wall = volume_by_phase(_areas(study.frames, myocardium_pixels), extents) if myocardium_pixels is not None else {}
    filled = {frame.key for frame, count in zip(study.frames, pixels, strict=True) if count}
    phases = tuple(
        PhaseVolume(
            phase,
            cavity[phase],
            sum(frame.phase == phase for frame in study.frames),
            sum(frame.phase == phase and frame.key in filled for frame in study.frames),
            wall.get(phase),
        )
        for phase in sorted(cavity)
    )
    flags = tuple(_stack_flags(study, extents))
    slices = len(study.slices)
    whole = [phase for phase in phases if phase.slices == slices]
    if len(phases) == 1:
        own = Flag("one-phase", "it has one phase; ED and ES need two")
    elif len(whole) < 2:
        reason = f"{len(whole)} of its phases have all {slices} slices; ED and ES need 2 such phases"
        own = Flag("few-phases", reason)
    elif not any(phase.volume_ml for phase in whole):
        own = Flag("empty-masks", "all masks are empty")
    else:
        ed, es = (whole[index] for index in end_phases([phase.volume_ml for phase in whole]))
        return StudyVolumes(phases, ed, es, flags=flags)
    return StudyVolumes(phases, problem=own.reason, flags=(own, *flags))


def slice_extents_mm(frames: Iterable[Frame]) -> dict[int, float]:
    """Return how much of the stack each slice stands for, see `keras_lvseg.geometry.slice_extents`.

    Args:
        frames: The frames of a study. Their positions are used. Frames without a position are one `slice_spacing` per
            slice index apart. A single slice stands for its `slice_spacing`.

    Returns:
        Extent of each slice in mm, by slice index. Empty if unknown.

    Example:
        >>> from pathlib import Path
        >>> frames = [Frame(Path("a.png"), "", "", rows=9, columns=9, slice=s, slice_spacing=8.0) for s in (0, 1, 3)]
        >>> slice_extents_mm(frames)
        {0: 8.0, 1: 12.0, 3: 16.0}
    """
    by_slice: dict[int, Frame] = {}
    for frame in frames:
        by_slice.setdefault(frame.slice, frame)
    slices = sorted(by_slice)
    if not slices:
        return {}
    first = by_slice[slices[0]]
    if len(slices) > 1 and all(np.isfinite(frame.centre).all() for frame in by_slice.values()):
        places = np.array([by_slice[slice_].centre for slice_ in slices]) @ slice_normal(first.orientation)
    elif first.slice_spacing is None or not first.slice_spacing > 0:
        return {}
    elif len(slices) == 1:
        return {slices[0]: first.slice_spacing}
    else:
        places = np.array(slices, dtype=float) * first.slice_spacing
    return dict(zip(slices, slice_extents(places).tolist(), strict=True))


def volume_by_phase(areas_mm2: Mapping[tuple[int, int], float], extents_mm: Mapping[int, float]) -> dict[int, float]:
    """Return the volume of each phase.

    Args:
        areas_mm2: Area by slice and phase, mm2.
        extents_mm: What each slice stands for, mm, from `slice_extents_mm`.

    Returns:
        Volume in mL by phase.
    """
    own: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for (slice_, phase), area in areas_mm2.items():
        own[phase].append((area, extents_mm[slice_]))
    return {phase: stack_volume(*zip(*pairs, strict=True)) for phase, pairs in own.items()}


def _areas(frames: Sequence[Frame], pixels: Sequence[int]) -> dict[tuple[int, int], float]:
    return {(frame.slice, frame.phase): n * frame.pixel_area for frame, n in zip(frames, pixels, strict=True)}


def _missing_volumes(study: Study, extents: Mapping[int, float]) -> Flag | None:
    """Return why no volume is known, or None."""
    if study.geometry_error:
        return Flag("geometry-unknown", study.geometry_error)
    if len(study.slices) == 1:
        return Flag("one-slice", "it is one slice; a volume needs several")
    if not extents:
        return Flag("spacing-unknown", "the slice spacing is unknown")
    if any(np.isnan(frame.pixel_spacing).any() for frame in study.frames):
        return Flag("spacing-unknown", "the pixel spacing is unknown")
    return None


def _stack_flags(study: Study, extents: Mapping[int, float]) -> Iterator[Flag]:
    """Yield reasons why the volumes of a stack may be wrong."""
    missing = study.missing_slices
    if missing:
        reason = f"slices are missing between others: {', '.join(map(str, missing))}; their neighbours stand for them"
        yield Flag("missing-slices", reason)
    values = np.array([*extents.values()])
    if not missing and np.abs(values - np.median(values)).max() > _EVEN * np.median(values):
        reason = f"slices are unevenly spaced: each stands for {values.min():.1f} to {values.max():.1f} mm"
        yield Flag("uneven-slices", reason)
    lacking = len(study.slices) * len(study.phases) - len(study.frames)
    if lacking:
        yield Flag("missing-frames", f"{lacking} frames are missing in slices that have others")
