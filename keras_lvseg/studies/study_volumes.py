"""Volumes of a study, from the areas of its masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_lvseg.geometry import ejection_fraction, stack_volume
from keras_lvseg.studies.study import Study


@dataclass(frozen=True)
class PhaseVolume:
    """The cavity's volume at one moment of the heart's cycle.

    Attributes:
        phase: Index of the phase, from 0.
        volume_ml: mL; the areas of all masks of the phase, each times the slice spacing.
        slices: How many slices the study has at that phase.
        slices_with_mask: In how many of them there is a mask: those that were summed.
    """

    phase: int
    volume_ml: float
    slices: int
    slices_with_mask: int


@dataclass(frozen=True)
class StudyVolumes:
    """What a study tells of volumes.

    Attributes:
        phases: By phase; none where the study tells no volume.
        ed: End-diastole: of the phases that have all of the study's slices the one with the largest volume. None where
            fewer than two have.
        es: End-systole: of the same the one with the smallest.
        ejection_fraction: The part of the end-diastolic volume that is ejected, in percent.
        problem: Why something of this is not known; None where all is.
    """

    phases: tuple[PhaseVolume, ...] = ()
    ed: PhaseVolume | None = None
    es: PhaseVolume | None = None
    ejection_fraction: float | None = None
    problem: str | None = None


def study_volumes(study: Study, pixels: Sequence[int]) -> StudyVolumes:
    """Sum up masks.

    Args:
        study: The study.
        pixels: How many pixels the mask of each of its frames has.
    """
    problem = _no_volumes(study)
    if problem:
        return StudyVolumes(problem=problem)
    spacing = study.frames[0].slice_spacing
    assert spacing is not None  # `_no_volumes` has seen to it
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
        problem = f"{len(whole)} of its phases have all {len(slices)} slices, and two are needed to tell ED from ES"
        return StudyVolumes(phases, problem=problem)
    ed, es = (choose(whole, key=lambda phase: phase.volume_ml) for choose in (max, min))
    if not ed.volume_ml:
        return StudyVolumes(phases, problem="no mask was found in it")
    return StudyVolumes(phases, ed, es, ejection_fraction(ed.volume_ml, es.volume_ml))


def _no_volumes(study: Study) -> str | None:
    """Why a study tells no volume at all; None where it does."""
    if study.geometry_error:
        return study.geometry_error
    slices = {frame.slice for frame in study.frames}
    missing = set(range(min(slices), max(slices))) - slices
    spacing = study.frames[0].slice_spacing
    if len(slices) == 1:
        return "it is one slice, and a volume takes a stack of them"
    if missing:
        return f"slices are missing between others: {', '.join(map(str, sorted(missing)))}"
    if spacing is None or not spacing > 0:
        return "the slice spacing is not known"
    return None
