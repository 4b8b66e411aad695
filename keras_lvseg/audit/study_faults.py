"""Faults of one study: spacings, missing frames and missing contours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.io.dicom import Header
from keras_lvseg.studies.assembly.assemble import sparsely_contoured_phases
from keras_lvseg.studies.patient import Patient
from keras_lvseg.studies.study_volumes import slice_extents_mm

_MAX_NAMED = 3  # missing frames that a message names
_SPACING_TOLERANCE = 0.01  # fraction of the slice spacing
_UNEVEN = 0.1  # likewise; slices of separate breath-holds vary a little

Fault = tuple[str, str, Sequence[Path]]


def study_faults(patient: Patient, headers: Sequence[Header] = ()) -> Iterator[Fault]:
    """Check a study as a whole.

    Args:
        patient: The study.
        headers: The headers of its frames, if they are DICOM.

    Yields:
        Code and message of a fault, and the files or folders concerned.
    """
    if headers:
        yield from _spacing_faults(patient, headers)
    yield from _missing_frames(patient)
    yield from _missing_contours(patient)
    for phase, frames in sparsely_contoured_phases(patient.frames).items():
        slices = ", ".join(str(frame.slice) for frame in frames)
        message = f"phase {phase} has contours in slice {slices} only, less than half as many as another phase"
        yield "stray-phase", message, [frame.endocardium for frame in frames if frame.endocardium]


def _spacing_faults(patient: Patient, headers: Sequence[Header]) -> Iterator[Fault]:
    first, spacing = patient.frames[0], patient.slice_spacing
    others = [f for f in patient.frames if not np.allclose(f.pixel_spacing, first.pixel_spacing, rtol=1e-3)]
    if others:
        message = f"one study has pixels of {_mm(*first.pixel_spacing)} and of {_mm(*others[0].pixel_spacing)}"
        yield "mixed-spacing", message, [first.path, *(frame.path for frame in others)]
    if spacing is None:
        return
    extents = np.array([*slice_extents_mm(patient.frames).values()])
    gaps = len({frame.slice for frame in patient.frames}) <= np.ptp([frame.slice for frame in patient.frames])
    if not gaps and np.ptp(extents) > _UNEVEN * spacing:
        message = f"slices are unevenly spaced: each stands for {_mm(extents.min())} to {_mm(extents.max())}"
        yield "uneven-slices", message, [first.path.parent]
    for header in headers:
        if header.slice_spacing is not None and abs(header.slice_spacing - spacing) > _SPACING_TOLERANCE * spacing:
            message = f"slices are {_mm(spacing)} apart, but SpacingBetweenSlices is {_mm(header.slice_spacing)}"
            yield "slice-spacing", message, [header.path]
            break
    if first.slice_thickness is not None and spacing - first.slice_thickness > _SPACING_TOLERANCE * spacing:
        message = f"slices are {_mm(first.slice_thickness)} thick and {_mm(spacing)} apart"
        yield "slice-gap", message, [first.path.parent]


def _missing_frames(patient: Patient) -> Iterator[Fault]:
    missing = []
    if frames := patient.missing_frames:
        named = ", ".join(f"slice {slice_} phase {phase}" for slice_, phase in frames[:_MAX_NAMED])
        more = ", ..." if len(frames) > _MAX_NAMED else ""
        missing.append(f"{len(frames)} of {len(frames) + len(patient.frames)} frames are missing ({named}{more})")
    if slices := patient.missing_slices:
        missing.append(f"all frames of slice {', '.join(map(str, slices))} are missing")
    if missing:
        yield "missing-frames", "; ".join(missing), [patient.frames[0].path.parent]


def _missing_contours(patient: Patient) -> Iterator[Fault]:
    for name, phase in (("end-diastole", patient.ed_phase), ("end-systole", patient.es_phase)):
        contoured = {frame.slice for frame in patient.frames if frame.phase == phase and frame.endocardium}
        gaps = sorted(set(range(min(contoured, default=0), max(contoured, default=0))) - contoured)
        if gaps:
            message = f"no contour at {name} in slice {', '.join(map(str, gaps))}, but in slices on both sides"
            yield "missing-contour", message, [patient.frames[0].path.parent]


def _mm(*lengths: float) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths) + " mm"
