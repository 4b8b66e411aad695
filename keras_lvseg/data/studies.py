"""Frames to a cine study: slices by where they lie, phases by when they were taken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.data.dicom import Header, read_header
from keras_lvseg.data.frames import Frame
from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.data.patients import Patient
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import polygon_area, read_contour, slice_indices, slice_normal


def read_patient(files: PatientFiles) -> Patient:
    """Read the headers of one patient's images and put each frame in its place.

    Args:
        files: What a layout found of the patient.

    Raises:
        DataError: A header is unusable, the images are not one series of parallel, evenly spaced slices, or a
            contour's frame is missing.
    """
    headers = sorted((read_header(path) for path in files.images), key=lambda header: header.instance_number)
    _check_one_series(headers)
    slices, spacing = _slices(headers)
    phases = _phases(headers, slices)
    contours = _contours_by_number(files, headers)
    frames = []
    for header, slice_, phase in zip(headers, slices, phases, strict=True):
        known: dict[str, Any] = asdict(header)
        del known["nominal_interval"], known["phases"]
        known["slice_spacing"] = spacing if spacing is not None else header.slice_spacing
        known.update(contours.get(header.instance_number, {}))
        known |= {"patient_id": files.patient_id, "original_id": files.original_id}
        frames.append(Frame(**known, slice=slice_, phase=phase))
    frames.sort(key=lambda frame: (frame.slice, frame.phase))
    ed_phase, es_phase = _ed_es(frames)
    return Patient(files.patient_id, files.original_id, tuple(frames), ed_phase, es_phase)


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


def _slices(headers: Sequence[Header]) -> tuple[list[int], float | None]:
    """Index of each frame's slice, and the spacing; SliceLocation is never asked, its steps are not true."""
    folder = headers[0].path.parent
    try:
        normal = slice_normal(headers[0].orientation)
        places, spacing = slice_indices(np.array([header.position for header in headers]) @ normal)
    except ValueError as error:
        raise DataError(folder, str(error)) from None
    # The normal points up or down by chance; the numbering tells which end of the stack comes first.
    if places[0] > places[-1]:
        places = places.max() - places
    # Where all numbers agree that N = phases * slice + phase + 1, they also tell which slices are missing above.
    if headers[0].phases:
        numbered = np.array([(header.instance_number - 1) // headers[0].phases for header in headers])
        if (numbered - places == numbered[0] - places[0]).all():
            places = numbered
    return places.tolist(), spacing


def _phases(headers: Sequence[Header], slices: Sequence[int]) -> list[int]:
    """Index of each frame's phase: its rank within a complete slice, else by its trigger time."""
    by_slice = defaultdict(list)
    for header, slice_ in zip(headers, slices, strict=True):
        by_slice[slice_].append(header)
    phases = {}
    for frames in by_slice.values():
        complete = headers[0].phases in (None, len(frames))
        ranked = sorted(frames, key=lambda header: (header.trigger_time or 0.0, header.instance_number))
        for rank, header in enumerate(ranked):
            phases[header.path] = rank if complete else _phase_by_time(header)
    return [phases[header.path] for header in headers]


def _phase_by_time(header: Header) -> int:
    if header.phases and header.trigger_time is not None and header.nominal_interval:
        step = header.nominal_interval / header.phases
        # A trigger time on the very border of two phases must not fall to the earlier one by its last digit.
        return min(int(header.trigger_time / step + 1e-3), header.phases - 1)
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


def _ed_es(frames: Sequence[Frame]) -> tuple[int | None, int | None]:
    areas: dict[int, float] = defaultdict(float)
    for frame in frames:
        if frame.endocardium is not None:
            areas[frame.phase] += polygon_area(read_contour(frame.endocardium))
    if not areas:
        return None, None
    ed_phase, es_phase = max(areas, key=areas.__getitem__), min(areas, key=areas.__getitem__)
    return ed_phase, es_phase if es_phase != ed_phase else None
