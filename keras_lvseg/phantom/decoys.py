"""Decoys: series without contours that have the same frame numbers as the contoured series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from keras_lvseg.phantom.dicom_writer import PhantomSeries

Place = tuple[int, int]
"""Slice and phase."""

FramePixels = Mapping[Place, np.ndarray]
"""Pixels of frames, by slice and phase."""

BREATH = 4.0
"""Standard deviation in mm of the heart's position between two held breaths, along each axis."""


def next_slices(places: Iterable[Place]) -> set[Place]:
    """Return the same places one slice further towards the apex."""
    return {(slice_ + 1, phase) for slice_, phase in places}


def all_series(
    cine: PhantomSeries, frames: FramePixels, repeated: FramePixels, places: Iterable[Place]
) -> Iterator[tuple[PhantomSeries, Iterable[tuple[Place, np.ndarray]]]]:
    """Return the contoured series and four decoys.

    Args:
        cine: The contoured series.
        frames: Its frames at `places` and at `next_slices` of them.
        repeated: The frames at `places`, acquired again in other breaths.
        places: Slices and phases of each series.

    Yields:
        A series and its frames.
    """
    places = sorted(places)
    yield cine, [(place, frames[place]) for place in places]

    # Blood without signal, as in a black-blood image. The air around the body stays dark.
    top = int(max(np.percentile(frames[place], 99) for place in places))
    dark = ((place, _dark(frames[place], top)) for place in places)
    yield replace(cine, series=" dark", series_number=301), dark

    further = replace(cine.stack, first=cine.stack.first + cine.stack.step)
    shifted = (((slice_, phase), frames[slice_ + 1, phase]) for slice_, phase in places)
    yield replace(cine, series=" shifted", series_number=302, stack=further), shifted

    yield _long_axis(cine, frames, places)

    yield replace(cine, series=" repeated", series_number=304), [(place, repeated[place]) for place in places]


def _dark(image: np.ndarray, top: int) -> np.ndarray:
    return np.where(image > top // 20, np.maximum(top - image, 0), image)


def _long_axis(
    cine: PhantomSeries, frames: FramePixels, places: Sequence[Place]
) -> tuple[PhantomSeries, list[tuple[Place, np.ndarray]]]:
    """Return parallel planes along the heart's axis, one per slice, cut out of the stack of each phase."""
    stack, height = cine.stack, float(np.linalg.norm(cine.stack.step))
    size = next(iter(frames.values())).shape[0]
    between = height / stack.spacing  # pixels between slices, and between planes
    middle = (cine.slices - 1) / 2
    # Row 0 of a plane lies above the stack, so that the stack is in the middle.
    slices = middle + (np.arange(size) - size / 2) / between
    rows = {slice_: size / 2 + (slice_ - middle) * between for slice_ in range(cine.slices)}
    cut = []
    volumes = {phase: _volume(frames, phase) for phase in {phase for _, phase in places}}
    for slice_, phase in places:
        plane = volumes[phase][:, round(rows[slice_])]
        image = ndimage.affine_transform(plane, (1 / between, 1), (slices[0], 0), (size, size), order=1)
        cut.append(((slice_, phase), image))
    along = stack.step / height
    first = stack.first + slices[0] * stack.step + rows[0] * stack.spacing * stack.column
    planes = replace(stack, column=along, first=first, step=height * stack.column)
    return replace(cine, series=" long axis", series_number=303, stack=planes), cut


def _volume(frames: FramePixels, phase: int) -> np.ndarray:
    """Return the frames of a phase, stacked by slice, with zeros for a missing one."""
    acquired = {slice_: image for (slice_, p), image in frames.items() if p == phase}
    empty = np.zeros_like(next(iter(acquired.values())))
    return np.stack([acquired.get(slice_, empty) for slice_ in range(max(acquired) + 1)])
