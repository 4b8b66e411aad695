"""Search for short-axis stacks among the frames of one examination, by geometry and time of acquisition."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from keras_lvseg.geometry import LONG_AXIS, slice_normal
from keras_lvseg.io.dicom import Header
from keras_lvseg.studies.assembly.series import split_series
from keras_lvseg.studies.skipped_file import SkippedFile

_PARALLEL = 5.0  # degrees; slices of separate breath-holds are tilted a little
_ACROSS = 30.0  # degrees from which a plane is another view, not a slice that was tilted by mistake
_ALIGNED = 45.0  # degrees between a short-axis plane's normal and the usual long axis
_SAME_PLACE = 0.5  # mm along the normal
_COMPLETE = 0.8  # part of the largest stack's slices that a stack of its own needs
_FAR = 5.0, 40.0  # typical steps, and mm: a larger gap separates a stray slice from the stack

Skipped = list[SkippedFile]


@dataclass(frozen=True)
class _Run:
    """The frames of one slice that were acquired in one go.

    Attributes:
        place: Position along the stack's normal, mm.
        frames: The frames.
        order: Sorts runs by the time of their acquisition.
    """

    place: float
    frames: tuple[Header, ...]
    order: tuple[str, int, str]


class _Plane(NamedTuple):
    """Parallel frames, and their common normal."""

    frames: list[Header]
    normal: np.ndarray


def find_stacks(headers: Sequence[Header]) -> tuple[list[list[Header]], Skipped]:
    """Find the short-axis stacks among the frames of one examination.

    Of all directions, the short axis is the one with the most slices of several phases; the usual direction of the left
    ventricle decides between few slices. Complete stacks at the same positions are separate stacks. Of a position that
    was acquired twice otherwise, the later acquisition is kept.

    Args:
        headers: Frames with known geometry, one or more.

    Returns:
        The frames of each stack, by time of acquisition, and the frames that are left out.
    """
    skipped: Skipped = []
    planes = _parallel_planes(headers)
    short_axis = max(planes, key=_short_axis_rank)
    for plane in planes:
        if plane is not short_axis:
            skipped += (SkippedFile(h.path, _other_plane(h, short_axis.normal), h.record) for h in plane.frames)
    beside = _beside_others(short_axis, skipped)
    series = _cine_series(_runs_by_series(short_axis._replace(frames=beside)), skipped)
    stacks = [_without_strays(stack, skipped) for stack in _separate(series, skipped)]
    stacks.sort(key=lambda stack: min(run.order for run in stack))
    return [[header for run in stack for header in run.frames] for stack in stacks], skipped


def _parallel_planes(headers: Sequence[Header]) -> list[_Plane]:
    """Group frames by direction, the one with the most slices first."""
    normals = np.array([slice_normal(header.orientation) for header in headers])
    normals *= np.where(normals @ LONG_AXIS < 0, -1, 1)[:, None]
    centres = np.array([header.centre for header in headers])
    directions, own = np.unique(np.round(normals, 3), axis=0, return_inverse=True)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    own = own.ravel()
    left = np.ones(len(headers), dtype=bool)
    planes = []
    while left.any():

        def members(direction: int, left: np.ndarray = left) -> np.ndarray:
            near = np.abs(directions @ directions[direction]) >= np.cos(np.radians(_PARALLEL))
            return np.flatnonzero(near[own] & left)

        def slices(direction: int) -> int:
            return len(np.unique(np.rint(centres[members(direction)] @ directions[direction])))

        best = max(np.unique(own[left]).tolist(), key=slices)
        chosen = members(best)
        planes.append(_Plane([headers[i] for i in chosen], directions[best]))
        left = left.copy()
        left[chosen] = False
    return planes


def _short_axis_rank(plane: _Plane) -> tuple[bool, bool, bool, int, float]:
    """Return how likely a plane is the short axis; the largest is the likeliest."""
    frames_by_place = Counter(np.rint([header.centre @ plane.normal for header in plane.frames]).tolist())
    slices, cine = len(frames_by_place), bool(np.median([*frames_by_place.values()]) > 1)
    cosine = float(abs(plane.normal @ LONG_AXIS) / np.linalg.norm(LONG_AXIS))
    aligned = cosine >= np.cos(np.radians(_ALIGNED))
    stack = aligned and slices >= 3
    return cine and stack, cine, stack, slices + 2 * aligned, cosine


def _other_plane(header: Header, normal: np.ndarray) -> str:
    cosine = min(float(abs(slice_normal(header.orientation) @ normal)), 1.0)
    angle = np.degrees(np.arccos(cosine))
    if angle < _ACROSS:
        return f"is tilted by {angle:.0f} degrees against the short-axis stack"
    return f"is not parallel to the short-axis stack ({angle:.0f} degrees): a long-axis view or a localiser"


def _beside_others(plane: _Plane, skipped: Skipped) -> list[Header]:
    """Leave out frames that show another place in their plane than most."""
    centres = np.array([header.centre for header in plane.frames])
    across = centres - np.outer(centres @ plane.normal, plane.normal)
    offsets = np.linalg.norm(across - np.median(across, axis=0), axis=1).tolist()
    kept = []
    for header, offset in zip(plane.frames, offsets, strict=True):
        sides = header.rows * header.pixel_spacing[0], header.columns * header.pixel_spacing[1]
        if offset <= min(sides) / 2:
            kept.append(header)
        else:
            skipped.append(SkippedFile(header.path, _stray(offset), header.record))
    return kept or plane.frames


def _runs_by_series(plane: _Plane) -> list[list[_Run]]:
    """Return the runs of each series. A series that acquired its slices several times gives several."""
    found: list[list[_Run]] = []
    for series in split_series(plane.frames):
        by_time: dict[int, list[_Run]] = defaultdict(list)
        for place, frames in _by_place(series, plane.normal):
            runs = [_run(place, frames) for frames in _acquisitions(frames)]
            for age, run in enumerate(sorted(runs, key=lambda run: run.order, reverse=True)):
                by_time[age].append(run)
        found += by_time.values()
    return found


def _by_place(headers: Sequence[Header], normal: np.ndarray) -> Iterator[tuple[float, list[Header]]]:
    """Yield the frames of each place along the normal, and the place in mm."""
    placed = sorted(((float(header.centre @ normal), i) for i, header in enumerate(headers)))
    start = 0
    for i in range(1, len(placed) + 1):
        if i == len(placed) or placed[i][0] - placed[i - 1][0] > _SAME_PLACE:
            yield placed[start][0], [headers[index] for _, index in placed[start:i]]
            start = i


def _run(place: float, frames: Sequence[Header]) -> _Run:
    order = max((header.acquired, header.series_number, str(header.path)) for header in frames)
    return _Run(place, tuple(frames), order)


def _acquisitions(frames: list[Header]) -> list[list[Header]]:
    """Split the frames of one slice and series where their times start again."""
    times = {frame.key: frame.temporal_index or frame.trigger_time for frame in frames}
    if None in times.values() or len(set(times.values())) == 1:
        return [frames]
    by_number = sorted(frames, key=lambda frame: (frame.instance_number, frame.acquired, str(frame.path)))
    by_clock = sorted(frames, key=lambda frame: (frame.acquired, frame.instance_number, str(frame.path)))
    for ordered in (by_number, by_clock):
        starts = [0]
        for i, (one, other) in enumerate(pairwise(ordered), 1):
            if times[other.key] <= times[one.key]:  # type: ignore[operator]  # None is ruled out above
                starts.append(i)
        lengths = np.diff([*starts, len(ordered)])
        if len(set(lengths.tolist())) == 1 and lengths[0] > 1:
            return [ordered[start : start + lengths[0]] for start in starts]
    return [frames]


def _cine_series(series: list[list[_Run]], skipped: Skipped) -> list[list[_Run]]:
    """Leave out series with far fewer or far more frames per slice than most, such as late enhancement or perfusion."""
    lengths = [float(np.median([len(run.frames) for run in runs])) for runs in series]
    slices: Counter[float] = Counter()
    for own, runs in zip(lengths, series, strict=True):
        slices[own] += len(runs)
    usual = max(slices, key=lambda length: (length > 1, slices[length], length))
    kept = []
    for own, runs in zip(lengths, series, strict=True):
        if usual <= 2 * own <= 3 * usual:
            kept.append(runs)
        else:
            reason = f"belongs to a series of {own:g} frames per slice; the short-axis stack has {usual:g}"
            skipped += (SkippedFile(header.path, reason, header.record) for run in runs for header in run.frames)
    return kept


def _separate(series: list[list[_Run]], skipped: Skipped) -> list[list[_Run]]:
    """Distribute series over stacks, so that no stack has two runs of one slice."""
    near = _nearest(series)
    levels: list[list[_Run]] = []  # the latest first
    for runs in sorted(series, key=lambda runs: max(run.order for run in runs), reverse=True):
        free = (level for level in levels if not any(_conflict(run, level, near) for run in runs))
        level = next(free, None)
        if level is None:
            levels.append(level := [])
        level += runs
    most = max(len(level) for level in levels)
    enough = max(2, _COMPLETE * most)
    complete = [level for level in levels if len(level) >= enough] or [max(levels, key=len)]
    for level in levels:
        if any(level is other for other in complete):
            continue
        for run in level:
            _keep_later(run, complete, near, skipped)
    return complete


def _keep_later(run: _Run, complete: list[list[_Run]], near: float, skipped: Skipped) -> None:
    """Put a run of an incomplete stack in the place of an earlier one, or in an empty place, or leave it out."""
    later = None
    for stack in complete:
        other = _conflict(run, stack, near)
        if other is None:
            stack.append(run)
            return
        if other.order < run.order:
            stack[stack.index(other)] = run
            run, later = other, run
            break
        later = later or other
    assert later is not None
    reason = f"repeats a position that was acquired again later: {later.frames[0].path.name} and others"
    skipped += (SkippedFile(header.path, reason, header.record) for header in run.frames)


def _conflict(run: _Run, stack: Sequence[_Run], near: float) -> _Run | None:
    """Return the run of a stack that shows the same slice, or None."""
    return next((other for other in stack if abs(other.place - run.place) < near), None)


def _nearest(series: Sequence[Sequence[_Run]]) -> float:
    """Return the distance in mm from which two runs show different slices."""
    within = [abs(step) for runs in series for step in np.diff(sorted(run.place for run in runs))]
    steps = within or np.diff(sorted(run.place for runs in series for run in runs))
    steps = [step for step in steps if step > _SAME_PLACE]
    thickness = min((run.frames[0].slice_thickness or np.inf for runs in series for run in runs), default=np.inf)
    nearest = 0.5 * min(float(np.median(steps)) if steps else np.inf, thickness)
    return nearest if 0 < nearest < np.inf else _SAME_PLACE


def _without_strays(stack: list[_Run], skipped: Skipped) -> list[_Run]:
    """Leave out slices that are far away from the rest along the normal."""
    if len(stack) < 3:
        return stack
    stack = sorted(stack, key=lambda run: run.place)
    steps = np.diff([run.place for run in stack])
    limit = max(_FAR[0] * float(np.median(steps)), _FAR[1])
    parts = np.split(np.arange(len(stack)), np.flatnonzero(steps > limit) + 1)
    kept = [stack[i] for i in max(parts, key=len)]
    for run in stack:
        if run not in kept:
            reason = _stray(min(abs(run.place - other.place) for other in kept))
            skipped += (SkippedFile(header.path, reason, header.record) for header in run.frames)
    return kept


def _stray(distance: float) -> str:
    return f"lies {distance:.0f} mm from the rest of the short-axis stack"
