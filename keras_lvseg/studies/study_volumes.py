"""Volumes of a study from the areas of its masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_lvseg.geometry import ejection_fraction, stack_volume
from keras_lvseg.studies.study import Study


@dataclass(frozen=True)
class PhaseVolume:
    """The volume of the cavity in one phase.

    Attributes:
        phase: Index of the phase, from 0.
        volume_ml: Sum of the areas of the phase's masks times the slice spacing, mL.
        slices: Number of slices that have this phase.
        slices_with_mask: Number of these slices whose mask is not empty.
    """

    phase: int
    volume_ml: float
    slices: int
    slices_with_mask: int


@dataclass(frozen=True)
class StudyVolumes:
    """The volumes of a study.

    Attributes:
        phases: The volume of each phase; empty if volumes are unknown.
        ed: End-diastole: the largest volume among the phases with all slices of the study. None if fewer than two
            phases have them.
        es: End-systole: the smallest volume among the same phases.
        ejection_fraction: Stroke volume over end-diastolic volume, in percent.
        problem: Why a value is unknown. None if all are known.
    """

    phases: tuple[PhaseVolume, ...] = ()
    ed: PhaseVolume | None = None
    es: PhaseVolume | None = None
    ejection_fraction: float | None = None
    problem: str | None = None


def study_volumes(study: Study, pixels: Sequence[int]) -> StudyVolumes:
    """Return the volumes of a study from its masks.

    Args:
        study: The study.
        pixels: Number of mask pixels of each frame.

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
    problem = _missing_volumes(study)
    if problem:
        return StudyVolumes(problem=problem)
    spacing = study.frames[0].slice_spacing
    assert spacing is not None  # checked by `_missing_volumes`
    areas = defaultdict(list)
    for frame, count in zip(study.frames, pixels, strict=True):
        areas[frame.phase].append(count * frame.pixel_area)
    phases = tuple(
        PhaseVolume(phase, stack_volume(areas[phase], spacing), len(areas[phase]), int(np.count_nonzero(areas[phase])))
        for phase in sorted(areas)
    )
    slices = {frame.slice for frame in study.frames}
    whole = [phase for phase in phases if phase.slices == len(slices)]
    if len(whole) < 2:
        problem = f"{len(whole)} of its phases have all {len(slices)} slices; ED and ES need 2 such phases"
        return StudyVolumes(phases, problem=problem)
    ed, es = (choose(whole, key=lambda phase: phase.volume_ml) for choose in (max, min))
    if not ed.volume_ml:
        return StudyVolumes(phases, problem="all masks are empty")
    return StudyVolumes(phases, ed, es, ejection_fraction(ed.volume_ml, es.volume_ml))


def _missing_volumes(study: Study) -> str | None:
    """Return why no volume is known, or None."""
    if study.geometry_error:
        return study.geometry_error
    slices = {frame.slice for frame in study.frames}
    missing = set(range(min(slices), max(slices))) - slices
    spacing = study.frames[0].slice_spacing
    if len(slices) == 1:
        return "it is one slice; a volume needs several"
    if missing:
        return f"slices are missing between others: {', '.join(map(str, sorted(missing)))}"
    if spacing is None or not spacing > 0:
        return "the slice spacing is unknown"
    return None
