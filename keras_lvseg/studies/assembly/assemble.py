"""Assembly of frames into a stack: slices by position, phases by time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import LONG_AXIS, polygon_area, slice_indices, slice_normal
from keras_lvseg.io.dicom import Header, read_header
from keras_lvseg.studies.assembly.phases import MAX_COUNT, phases_of_series, phases_of_stack
from keras_lvseg.studies.assembly.series import select_contoured_series
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import read_frame_contour
from keras_lvseg.studies.patient import Patient
from keras_lvseg.studies.patient_files import PatientFiles
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study_volumes import slice_extents_mm, volume_by_phase

_MAX_NUMBERED_SLICES = 100  # InstanceNumbers that imply more slices count something else
_UNKNOWN_PHASE = "is of unknown phase, because other frames of its slice are missing"
_TIMES = "TriggerTime, NominalInterval and CardiacNumberOfImages"


def read_patient(files: PatientFiles) -> Patient:
    """Read the headers of one patient's DICOM files and assemble the study; other frames are taken as they are.

    Args:
        files: The patient's files.

    Raises:
        DataError: A header is unusable, the images are not one series of parallel slices, or the frame of a contour is
            missing.
    """
    if files.frames:
        return Patient(files.patient_id, files.original_id, files.frames, files.phases, **_volumes(files.frames))
    return assemble_study(files, [read_header(path) for path in files.images])


def assemble_study(files: PatientFiles, headers: Sequence[Header]) -> Patient:
    """Assemble a patient's study from headers: find the slice and phase of each frame.

    Args:
        files: The patient's files.
        headers: The headers of its images, in any order.

    Raises:
        DataError: See `read_patient`.
    """
    headers = sorted(select_contoured_series(files, headers), key=lambda header: header.instance_number)
    _check_one_series(headers)
    slices, spacing = _slices(headers)
    count = _phase_count(headers[0], Counter(slices).values())
    phases = phases_of_series(headers, slices, count)
    contours = _contours_by_number(files, headers)
    frames = []
    for header, slice_, phase in zip(headers, slices, phases, strict=True):
        if phase is None:
            raise DataError(header.path, _UNKNOWN_PHASE, expected=_TIMES)
        known: dict[str, Any] = contours.get(header.instance_number, {}) | {"slice": slice_, "phase": phase}
        if spacing is not None:
            known["slice_spacing"] = spacing
        frames.append(Frame.from_header(header, patient_id=files.patient_id, original_id=files.original_id, **known))
    frames.sort(key=lambda frame: (frame.slice, frame.phase))
    _check_distinct_places(frames)
    return Patient(files.patient_id, files.original_id, tuple(frames), count, **_volumes(frames))


def assemble_stack(
    headers: Sequence[Header], *, patient_id: str, original_id: str
) -> tuple[tuple[Frame, ...], list[SkippedFile]]:
    """Assemble the frames of a stack whose slices may belong to several series, and leave out what does not fit.

    Args:
        headers: The headers of a stack, from `keras_lvseg.studies.assembly.stacks.find_stacks`, in any order.
        patient_id: See `Frame`.
        original_id: See `Frame`.

    Returns:
        The frames by slice and phase, and the frames of unknown or repeated phase.

    Raises:
        DataError: There are too many slices.
    """
    headers = sorted(headers, key=lambda header: (header.instance_number, str(header.path), header.record or 0))
    slices, spacing = _slices(headers)
    skipped = []
    found: dict[tuple[int, int], Frame] = {}
    for header, slice_, phase in zip(headers, slices, phases_of_stack(headers, slices), strict=True):
        if phase is None:
            skipped.append(SkippedFile(header.path, f"{_UNKNOWN_PHASE}; expected {_TIMES}", header.record))
        elif (slice_, phase) in found:
            other = found[slice_, phase].path.name
            skipped.append(SkippedFile(header.path, f"shows the same slice and phase as {other}", header.record))
        else:
            known = {"slice": slice_, "phase": phase} | ({"slice_spacing": spacing} if spacing is not None else {})
            frame = Frame.from_header(header, patient_id=patient_id, original_id=original_id, **known)
            found[slice_, phase] = frame
    return tuple(found[place] for place in sorted(found)), skipped


def sparsely_contoured_phases(frames: Sequence[Frame]) -> dict[int, list[Frame]]:
    """Find phases with too few contours to be end-diastole or end-systole.

    Args:
        frames: The frames of one patient.

    Returns:
        The frames with an endocardial contour of each phase that has fewer than half as many as the phase with the
        most.
    """
    contoured = defaultdict(list)
    for frame in frames:
        if frame.endocardium is not None:
            contoured[frame.phase].append(frame)
    most = max(map(len, contoured.values()), default=0)
    return {phase: own for phase, own in contoured.items() if 2 * len(own) < most}


def _check_one_series(headers: Sequence[Header]) -> None:
    first = headers[0]
    folder = first.path.parent
    numbers = Counter(header.instance_number for header in headers)
    twice = [number for number, count in numbers.items() if count > 1]
    if twice:
        raise DataError(folder, f"holds InstanceNumber {twice[0]} more than once", expected="one frame per number")
    for header in headers:
        if not np.allclose(header.orientation, first.orientation, atol=1e-3):
            raise DataError(header.path, f"is not parallel to {first.path.name}", expected="parallel slices")
        if not 0 <= (header.phases or 0) <= MAX_COUNT:
            problem = "has an invalid CardiacNumberOfImages"
            raise DataError(header.path, problem, expected=f"up to {MAX_COUNT} phases", got=str(header.phases))


def _slices(headers: Sequence[Header]) -> tuple[list[int], float | None]:
    """Return the slice index of each frame and the slice spacing, of headers in the order of their numbers.

    SliceLocation is not used, because its steps differ from the true spacing.
    """
    folder = headers[0].path.parent
    normal = slice_normal(headers[0].orientation)
    places, spacing = slice_indices(np.array([header.centre for header in headers]) @ normal)
    if places.max() >= MAX_COUNT:
        problem = f"has too many slices of {spacing:.3g} mm"
        raise DataError(folder, problem, expected=f"up to {MAX_COUNT:,}", got=f"{places.max() + 1:,}")
    # The sign of the normal is arbitrary. The numbering defines the first slice, or else slices run from base to apex.
    steps = np.diff(places)
    numbered_by_slice = (steps >= 0).all() or (steps <= 0).all()
    if places[0] > places[-1] if numbered_by_slice else normal @ LONG_AXIS < 0:
        places = places.max() - places
    # If all numbers are N = phases * slice + phase + 1, they also show which slices are missing: those before the first
    # one, and every second one, which makes the smallest step two spacings (the header must agree).
    phases, stated = headers[0].phases, headers[0].slice_spacing
    if phases and phases > 0:
        numbered = np.array([(header.instance_number - 1) // phases for header in headers])
        for step in (1, _multiple(spacing, stated)):
            agree = (numbered - step * places == numbered[0] - step * places[0]).all()
            if agree and 0 <= numbered.min() <= numbered.max() < _MAX_NUMBERED_SLICES:
                return numbered.tolist(), spacing and spacing / step
    return places.tolist(), spacing


def _multiple(spacing: float | None, stated: float | None) -> int:
    """Return how many of the header's slice spacings make the measured one; 1 if the ratio is not an integer."""
    if spacing is None or stated is None or stated <= 0:
        return 1
    times = round(spacing / stated)
    return times if times > 1 and abs(spacing - times * stated) < 0.1 * stated else 1


def _phase_count(header: Header, frames_by_slice: Collection[int]) -> int:
    fullest, stated = max(frames_by_slice), header.phases or 0
    # A header that contradicts all slices alike is ignored; one that agrees with some slices is not.
    if stated and fullest > stated and (len(set(frames_by_slice)) > 1 or fullest % stated == 0):
        raise DataError(
            header.path.parent,
            "has too many frames of one slice",
            "put a slice that was acquired twice into two series",
            expected=f"CardiacNumberOfImages {stated}",
            got=f"{fullest} frames",
        )
    return max(fullest, stated)


def _contours_by_number(files: PatientFiles, headers: Sequence[Header]) -> Mapping[int, dict[str, Path]]:
    numbers = {header.instance_number for header in headers}
    contours: dict[int, dict[str, Path]] = defaultdict(dict)
    for contour in files.contours:
        if contour.number not in numbers:
            problem = f"is the contour of frame {contour.number}, which {headers[0].path.parent} lacks"
            raise DataError(contour.path, problem, "add the image or delete the contour")
        contours[contour.number][contour.border] = contour.path
    return contours


def _check_distinct_places(frames: Sequence[Frame]) -> None:
    for frame, other in pairwise(frames):
        if (frame.slice, frame.phase) == (other.slice, other.phase):
            problem = f"shows the same slice and phase as {frame.path.name}"
            raise DataError(other.path, problem, expected="another position or TriggerTime")


def _volumes(frames: Sequence[Frame]) -> dict[str, Any]:
    """Return ED, ES and their volumes, as attributes of `Patient`."""
    areas = {}
    sparse = sparsely_contoured_phases(frames)
    for frame in frames:
        if frame.endocardium is not None and frame.phase not in sparse:
            contour = read_frame_contour(frame, "endocardium")
            areas[frame.slice, frame.phase] = polygon_area(contour) * frame.pixel_area
    extents = slice_extents_mm(frames)
    # Without a slice spacing, areas still order the phases.
    volumes = volume_by_phase(areas, extents or dict.fromkeys((slice_ for slice_, _ in areas), 1.0))
    phases = sorted(volumes, key=lambda phase: volumes[phase], reverse=True)
    ed_phase, es_phase = (phases[0] if phases else None), (phases[-1] if len(phases) > 1 else None)
    edv, esv = (volumes[phase] if phase is not None and extents else None for phase in (ed_phase, es_phase))
    return {"ed_phase": ed_phase, "es_phase": es_phase, "edv_ml": edv, "esv_ml": esv}
