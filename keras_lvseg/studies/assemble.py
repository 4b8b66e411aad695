"""Frames to a cine study: slices by where they lie, phases by when they were taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import polygon_area, slice_indices, slice_normal, stack_volume
from keras_lvseg.io.dicom import Header, read_header
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import read_frame_contour
from keras_lvseg.studies.patient import Patient
from keras_lvseg.studies.patient_files import PatientFiles
from keras_lvseg.studies.series import select_contoured_series

_MOST = 1000  # slices or phases: far beyond any heart
_MOST_NUMBERED = 100  # slices; an InstanceNumber that tells of more counts something else


def read_patient(files: PatientFiles) -> Patient:
    """Read the headers of one patient's images and put each frame in its place; records and pictures bring their own.

    Args:
        files: What a layout found of the patient.

    Raises:
        DataError: A header is unusable, the images are not one series of parallel, evenly spaced slices, or a
            contour's frame is missing.
    """
    if files.frames:
        return Patient(files.patient_id, files.original_id, files.frames, files.phases, **_volumes(files.frames))
    return assemble_study(files, [read_header(path) for path in files.images])


def assemble_study(files: PatientFiles, headers: Sequence[Header]) -> Patient:
    """Put each frame in its place: the second half of `read_patient`, for callers that have the headers already.

    Args:
        files: What a layout found of the patient.
        headers: Of its images, in any order.

    Raises:
        DataError: See `read_patient`.
    """
    headers = sorted(select_contoured_series(files, headers), key=lambda header: header.instance_number)
    _check_one_series(headers)
    slices, spacing = _slices(headers)
    phases, count = _phases(headers, slices)
    contours = _contours_by_number(files, headers)
    frames = []
    for header, slice_, phase in zip(headers, slices, phases, strict=True):
        known: dict[str, Any] = contours.get(header.instance_number, {}) | {"slice": slice_, "phase": phase}
        if spacing is not None:
            known["slice_spacing"] = spacing
        frames.append(Frame.from_header(header, patient_id=files.patient_id, original_id=files.original_id, **known))
    frames.sort(key=lambda frame: (frame.slice, frame.phase))
    _check_one_place_each(frames)
    return Patient(files.patient_id, files.original_id, tuple(frames), count, **_volumes(frames))


def sparse_phases(frames: Sequence[Frame]) -> dict[int, list[Frame]]:
    """Phases too sparsely contoured to be end-diastole or end-systole, of which both are outlined throughout.

    Args:
        frames: One patient's.

    Returns:
        By phase, the frames with an endocardial contour, where they are fewer than half as many as in the phase that
        has the most.
    """
    contoured = defaultdict(list)
    for frame in frames:
        if frame.endocardium is not None:
            contoured[frame.phase].append(frame)
    most = max(map(len, contoured.values()), default=0)
    return {phase: drawn for phase, drawn in contoured.items() if 2 * len(drawn) < most}


def _check_one_series(headers: Sequence[Header]) -> None:
    first = headers[0]
    folder = first.path.parent
    if len({header.series_instance_uid for header in headers}) > 1:
        raise DataError(folder, "holds images of several series", "one series of short-axis frames is due")
    numbers = Counter(header.instance_number for header in headers)
    twice = [number for number, count in numbers.items() if count > 1]
    if twice:
        raise DataError(folder, f"holds InstanceNumber {twice[0]} more than once", "each frame has its own")
    for header in headers:
        if not np.allclose(header.orientation, first.orientation, atol=1e-3):
            raise DataError(header.path, f"is not parallel to {first.path.name}", "a short-axis study is")
        if not 0 <= (header.phases or 0) <= _MOST:
            problem = f"has CardiacNumberOfImages {header.phases}"
            raise DataError(header.path, problem, f"a heart's cycle has up to {_MOST} phases")


def _slices(headers: Sequence[Header]) -> tuple[list[int], float | None]:
    """Index of each frame's slice, and the spacing; SliceLocation is never asked, its steps are not true."""
    folder = headers[0].path.parent
    try:
        normal = slice_normal(headers[0].orientation)
        places, spacing = slice_indices(np.array([header.position for header in headers]) @ normal)
    except ValueError as error:
        raise DataError(folder, str(error)) from None
    if places.max() >= _MOST:
        raise DataError(folder, f"spreads over {places.max() + 1:,} slices", f"{spacing:.3g} mm is the smallest step")
    # The normal points up or down by chance; the numbering tells which end of the stack comes first.
    if places[0] > places[-1]:
        places = places.max() - places
    # Where all numbers agree that N = phases * slice + phase + 1, they also tell which slices are missing: above the
    # first one, and where every second one is, so that the smallest step is two spacings (the header has to agree).
    phases, stated = headers[0].phases, headers[0].slice_spacing
    if phases:
        numbered = np.array([(header.instance_number - 1) // phases for header in headers])
        for step in (1, _multiple(spacing, stated)):
            agree = (numbered - step * places == numbered[0] - step * places[0]).all()
            if agree and numbered.max() < _MOST_NUMBERED:
                return numbered.tolist(), spacing and spacing / step
    return places.tolist(), spacing


def _multiple(spacing: float | None, stated: float | None) -> int:
    """How many of the header's slice spacings make the measured one; 1 where they are no whole number."""
    if spacing is None or stated is None or stated <= 0:
        return 1
    times = round(spacing / stated)
    return times if times > 1 and abs(spacing - times * stated) < 0.1 * stated else 1


def _phases(headers: Sequence[Header], slices: Sequence[int]) -> tuple[list[int], int]:
    """Index of each frame's phase: its rank within a complete slice, else by its trigger time; and their number."""
    by_slice = defaultdict(list)
    for header, slice_ in zip(headers, slices, strict=True):
        by_slice[slice_].append(header)
    count = _phase_count(headers[0], [len(frames) for frames in by_slice.values()])
    phases = {}
    for frames in by_slice.values():
        ranked = sorted(frames, key=lambda header: (header.trigger_time or 0.0, header.instance_number))
        for rank, header in enumerate(ranked):
            phases[header.path] = rank if len(frames) == count else _phase_by_time(header, count)
    return [phases[header.path] for header in headers], count


def _phase_count(header: Header, frames_by_slice: Sequence[int]) -> int:
    fullest, stated = max(frames_by_slice), header.phases or 0
    # A header that is wrong about all slices alike is overruled; one that some slices agree with is not.
    if stated and fullest > stated and (len(set(frames_by_slice)) > 1 or fullest % stated == 0):
        problem = f"holds {fullest} frames of one slice, and CardiacNumberOfImages is {stated}"
        raise DataError(header.path.parent, problem, "a slice that was taken twice belongs in two series")
    return max(fullest, stated)


def _phase_by_time(header: Header, phases: int) -> int:
    time, interval = header.trigger_time, header.nominal_interval or 0
    if header.phases and time is not None and time >= 0 and interval > 0:
        step = interval / phases
        # A trigger time on the very border of two phases must not fall to the earlier one by its last digit.
        return min(int(time / step + 1e-3), phases - 1)
    problem = "belongs to a slice with missing frames, and the header does not tell its phase"
    raise DataError(header.path, problem, "TriggerTime, NominalInterval and CardiacNumberOfImages would")


def _contours_by_number(files: PatientFiles, headers: Sequence[Header]) -> Mapping[int, dict[str, Path]]:
    numbers = {header.instance_number for header in headers}
    contours: dict[int, dict[str, Path]] = defaultdict(dict)
    for contour in files.contours:
        if contour.number not in numbers:
            folder = headers[0].path.parent
            problem = f"outlines frame {contour.number}, and {folder} has no such InstanceNumber"
            raise DataError(contour.path, problem, "add the image or take the contour away")
        contours[contour.number][contour.border] = contour.path
    return contours


def _check_one_place_each(frames: Sequence[Frame]) -> None:
    for frame, other in pairwise(frames):
        if (frame.slice, frame.phase) == (other.slice, other.phase):
            problem = f"shows the same slice and phase as {frame.path.name}"
            raise DataError(other.path, problem, "each frame has its own place or its own TriggerTime")


def _volumes(frames: Sequence[Frame]) -> dict[str, Any]:
    """The phases and volumes of `Patient`."""
    areas: dict[int, list[float]] = defaultdict(list)
    stray = sparse_phases(frames)
    for frame in frames:
        if frame.endocardium is not None and frame.phase not in stray:
            areas[frame.phase].append(polygon_area(read_frame_contour(frame, "endocardium")) * frame.pixel_area)
    phases = sorted(areas, key=lambda phase: sum(areas[phase]), reverse=True)
    ed_phase, es_phase = (phases[0] if phases else None), (phases[-1] if len(phases) > 1 else None)
    spacing = frames[0].slice_spacing
    edv, esv = (
        stack_volume(areas[phase], spacing) if phase is not None and spacing and spacing > 0 else None
        for phase in (ed_phase, es_phase)
    )
    return {"ed_phase": ed_phase, "es_phase": es_phase, "edv_ml": edv, "esv_ml": esv}
