"""Series that a phantom's contours do not belong to, each with the true one's frame numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from keras_lvseg.phantom.dicom_writer import Study

Place = tuple[int, int]
"""Slice and phase."""

Frames = Mapping[Place, np.ndarray]
"""Pixels by place."""

BREATH = 4.0
"""Standard deviation in mm of where the heart lies from one held breath to the next, along each axis."""


def next_slices(places: Iterable[Place]) -> set[Place]:
    """The frames one slice further towards the apex than these."""
    return {(slice_ + 1, phase) for slice_, phase in places}


def all_series(
    study: Study, frames: Frames, repeated: Frames, places: Iterable[Place]
) -> Iterator[tuple[Study, Iterable[tuple[Place, np.ndarray]]]]:
    """Give the true series, and the four that are not.

    Args:
        study: The true series.
        frames: Its frames at `places` and at `next_slices` of them.
        repeated: The frames at `places` taken again, in other breaths.
        places: The frames of each series.

    Yields:
        A series, and its frames.
    """
    places = sorted(places)
    yield study, [(place, frames[place]) for place in places]

    # Blood without signal, as in a black-blood image; the air around the body stays dark.
    top = int(max(np.percentile(frames[place], 99) for place in places))
    dark = ((place, _dark(frames[place], top)) for place in places)
    yield replace(study, series=" dark", series_number=301), dark

    further = replace(study.stack, first=study.stack.first + study.stack.step)
    shifted = (((slice_, phase), frames[slice_ + 1, phase]) for slice_, phase in places)
    yield replace(study, series=" shifted", series_number=302, stack=further), shifted

    yield _long_axis(study, frames, places)

    yield replace(study, series=" repeated", series_number=304), [(place, repeated[place]) for place in places]


def _dark(image: np.ndarray, top: int) -> np.ndarray:
    return np.where(image > top // 20, np.maximum(top - image, 0), image)


def _long_axis(study: Study, frames: Frames, places: Sequence[Place]) -> tuple[Study, list[tuple[Place, np.ndarray]]]:
    """Parallel planes along the heart's axis, as many as there are slices, cut out of the stack of each phase."""
    stack, height = study.stack, float(np.linalg.norm(study.stack.step))
    size = next(iter(frames.values())).shape[0]
    between = height / stack.spacing  # pixels from slice to slice, and from plane to plane
    middle = (study.slices - 1) / 2
    # Row 0 of a plane lies so far above the stack that the stack is in the middle.
    slices = middle + (np.arange(size) - size / 2) / between
    rows = {slice_: size / 2 + (slice_ - middle) * between for slice_ in range(study.slices)}
    cut = []
    volumes = {phase: _volume(frames, phase) for phase in {phase for _, phase in places}}
    for slice_, phase in places:
        plane = volumes[phase][:, round(rows[slice_])]
        image = ndimage.affine_transform(plane, (1 / between, 1), (slices[0], 0), (size, size), order=1)
        cut.append(((slice_, phase), image))
    along = stack.step / height
    first = stack.first + slices[0] * stack.step + rows[0] * stack.spacing * stack.column
    planes = replace(stack, column=along, first=first, step=height * stack.column)
    return replace(study, series=" long axis", series_number=303, stack=planes), cut


def _volume(frames: Frames, phase: int) -> np.ndarray:
    """The frames of a phase by slice, dark where one was not taken."""
    taken = {slice_: image for (slice_, p), image in frames.items() if p == phase}
    empty = np.zeros_like(next(iter(taken.values())))
    return np.stack([taken.get(slice_, empty) for slice_ in range(max(taken) + 1)])
