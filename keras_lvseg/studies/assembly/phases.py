"""Phases of frames: ranks in complete slices, else times after the R wave."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.io.dicom import Header

MAX_COUNT = 1000
"""Largest number of slices or phases; far more than any study has."""


def phases_of_series(
    headers: Sequence[Header], slices: Sequence[int], count: int, intervals: Mapping[int, float] | None = None
) -> list[int | None]:
    """Return the phase index of each frame, None where it is unknown.

    The index is the rank in a complete slice. In an incomplete slice it follows from the time after the R wave.

    Args:
        headers: The headers.
        slices: The slice of each.
        count: Number of phases.
        intervals: Duration of the cardiac cycle by slice, ms, for headers without one. None requires that headers have
            it, and their number of phases.
    """
    phases: dict[tuple[Path, int | None], int | None] = {}
    for slice_, frames in _by_slice(headers, slices).items():
        fallback = (intervals or {}).get(slice_, 0.0)
        for rank, header in enumerate(_by_time(frames)):
            if len(frames) == count:
                phases[header.key] = rank
            elif intervals is None and not header.phases:  # the fullest slice may lack frames as well
                phases[header.key] = None
            else:
                phases[header.key] = _phase_by_time(header, count, header.nominal_interval or fallback)
    return [phases[header.key] for header in headers]


def phases_of_stack(headers: Sequence[Header], slices: Sequence[int]) -> list[int | None]:
    """Return the phase index of each frame of a stack that may have several series, None where it is unknown."""
    lengths = Counter(slices).values()
    stated = max(header.phases or 0 for header in headers)
    if max(lengths) < stated <= MAX_COUNT:
        phases = phases_of_series(headers, slices, stated, _measured_intervals(headers, slices, stated))
        if None not in phases:
            return phases
    return phases_of_series(headers, slices, max(lengths), _measured_intervals(headers, slices, max(lengths)))


def _measured_intervals(headers: Sequence[Header], slices: Sequence[int], count: int) -> dict[int, float]:
    """Return the duration of the cardiac cycle in ms by slice, from the times of its frames.

    A slice with too few frames has the median of the others.
    """
    measured = {}
    for slice_, frames in _by_slice(headers, slices).items():
        times = sorted(header.trigger_time for header in frames if header.trigger_time is not None)
        if len(times) > 2 and count <= 2 * len(times):
            measured[slice_] = float(np.median(np.diff(times))) * count
    usual = float(np.median([*measured.values()])) if measured else 0.0
    return {slice_: measured.get(slice_, usual) for slice_ in set(slices)}


def _by_slice(headers: Sequence[Header], slices: Sequence[int]) -> dict[int, list[Header]]:
    by_slice = defaultdict(list)
    for header, slice_ in zip(headers, slices, strict=True):
        by_slice[slice_].append(header)
    return by_slice


def _by_time(frames: Sequence[Header]) -> list[Header]:
    """Sort the frames of one slice by phase."""
    indexed = all(header.temporal_index > 0 for header in frames)
    return sorted(
        frames,
        key=lambda header: (
            header.temporal_index if indexed else 0,
            header.trigger_time or 0.0,
            header.instance_number,
            str(header.path),
            header.record or 0,
        ),
    )


def _phase_by_time(header: Header, phases: int, interval: float) -> int | None:
    time = header.trigger_time
    if time is None or time < 0 or not interval > 0:
        return None
    step = interval / phases
    # The tolerance keeps a trigger time on the limit of two phases in the later one despite rounding.
    return min(int(time / step + 1e-3), phases - 1)
