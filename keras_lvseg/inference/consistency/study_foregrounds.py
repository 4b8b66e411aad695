"""The network's probabilities of a study, around the axis of its heart."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.consistency.cavity import distance, pixel_at
from keras_lvseg.inference.consistency.one_heart import StackCavities, keep_one_heart
from keras_lvseg.inference.consistency.study_masks import StudyMasks
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.inference.trained_network import WINDOW, TrainedNetwork
from keras_lvseg.inference.windows import Window, whole_window, window_at
from keras_lvseg.models.pretrained import CERTAINTY
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image

Prepared = tuple[Frame, np.ndarray, NetworkGrid]
"""A frame, its image on the network's grid, and that grid."""

_LOOKS = 4  # images of a slice that the axis is searched in
_WALL = 12.0  # mm
_LONGER = 1.2  # than the radius of a circle with its area is the largest distance of a cavity's border
BATCH_SIZE = 16


def prepare(network: TrainedNetwork, frame: Frame) -> Prepared:
    """Read a frame and bring its image to the network's grid.

    Args:
        network: The network.
        frame: The frame.

    Raises:
        DataError: The frame cannot be read.
    """
    image = read_image(frame)
    grid = network.grid(image, frame.pixel_spacing)
    return frame, network.preprocessing.image(image, grid), grid


def study_foregrounds(
    network: TrainedNetwork,
    frames: Sequence[Frame],
    batches: Iterable[Sequence[Prepared]],
    *,
    on_images: Callable[[int], None] | None = None,
) -> list[tuple[Frame, np.ndarray, NetworkGrid]]:
    """Return the probabilities of a study's images.

    The network looks at some phases of each slice, and the heart's axis is fitted to the cavities that it finds. Then
    it looks at all images around the axis only, with the intensities of that part: no organ beside the heart is
    outlined or brightens the image, and a slice whose whole image shows it no ventricle is looked at in the right
    place.

    Args:
        network: The network.
        frames: The frames of the study, whose slices and phases are known.
        batches: The frames that can be read, each with its image on the network's grid.
        on_images: Called after each step with the number of finished images.

    Returns:
        Per frame that could be read: the frame, an argument of `native_probabilities`, and its grid.
    """
    looks = _looks(frames) if network.window is not None else set()
    images = list[Prepared]()
    first: dict[int, np.ndarray] = {}
    waiting: list[int] = []

    def look() -> None:
        first.update(zip(waiting, network.first_looks([images[i][1] for i in waiting]), strict=True))
        waiting.clear()

    for batch in batches:
        waiting += [len(images) + i for i, (frame, *_) in enumerate(batch) if frame.key in looks]
        images += batch
        if len(waiting) >= BATCH_SIZE:
            look()
    if waiting:
        look()
    windows = None
    if network.window is not None:
        windows = heart_windows(images, first, network.window)
    foregrounds: list[np.ndarray] = []
    for start in range(0, len(images), BATCH_SIZE):
        part = slice(start, start + BATCH_SIZE)
        foregrounds += network.foregrounds([image for _, image, _ in images[part]], windows and windows[part])
        if on_images:
            on_images(len(foregrounds))
    return [(frame, own, grid) for (frame, _, grid), own in zip(images, foregrounds, strict=True)]


def heart_windows(images: Sequence[Prepared], looks: Mapping[int, np.ndarray], side: int) -> list[Window]:
    """Return the part of each image around the heart's axis.

    Args:
        images: The images of a study.
        looks: The probabilities of some of them, by index, on the network's grid.
        side: Side length in pixels, of `WINDOW` mm or a little more.

    Returns:
        A window per image: whole images in slices that had no look, or whose cavity may not fit, and in all slices if
        there is no cavity.
    """
    if not looks:
        return [whole_window(image.shape) for _, image, _ in images]
    known = [*looks]
    frames, grids = [images[i][0] for i in known], [images[i][2] for i in known]
    spacings = [grid.native_spacing for grid in grids]
    stack = StackCavities(frames, lambda k: native_probabilities(looks[known[k]], grids[k]), spacings)
    stack.choose()
    reach: dict[int, float] = defaultdict(float)
    for frame, cavity in zip(frames, stack.chosen, strict=True):
        own = 0.0
        if cavity is not None:
            own = distance(cavity, stack.axis[frame.slice]) + _LONGER * math.sqrt(cavity.area / math.pi) + _WALL
        reach[frame.slice] = max(reach[frame.slice], own)
    fitting = {slice_ for slice_, own in reach.items() if 2 * own <= WINDOW} if any(stack.chosen) else set()
    windows = []
    for frame, image, grid in images:
        window = whole_window(image.shape)
        if frame.slice in fitting:
            row, column = pixel_at(stack.axis[frame.slice], frame, grid.native_spacing)
            ((x, y),) = grid.points_to_network(np.array([[column, row]]))
            window = window_at(y, x, side, image.shape)
        windows.append(window)
    return windows


def decide_study(
    found: Sequence[tuple[Frame, np.ndarray, NetworkGrid]], *, certainty: Mapping[str, float] = CERTAINTY
) -> StudyMasks:
    """Decide the masks of a study together, see `keep_one_heart`.

    Args:
        found: The result of `study_foregrounds`, one frame or more.
        certainty: See `keep_one_heart`.
    """
    return keep_one_heart(
        [frame for frame, *_ in found],
        lambda index: native_probabilities(*found[index][1:]),
        spacings=[grid.native_spacing for *_, grid in found],
        certainty=certainty,
    )


def _looks(frames: Sequence[Frame]) -> set[tuple[Path, int | None]]:
    """Return the keys of a few frames of each slice, spread over the phases."""
    by_slice: dict[int, list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.phase):
        by_slice[frame.slice].append(frame)
    keys = set[tuple[Path, int | None]]()
    for own in by_slice.values():
        count = min(_LOOKS, len(own))
        keys |= {own[k * len(own) // count].key for k in range(count)}
    return keys
