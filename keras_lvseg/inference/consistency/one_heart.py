"""One heart per study: the masks of a stack decided together."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from keras_lvseg.inference.consistency.cavity import Cavity, distance, find_cavities
from keras_lvseg.inference.consistency.heart_axis import FAR, heart_axis, slice_heights
from keras_lvseg.inference.consistency.mean_shape import mean_probabilities, mean_shape
from keras_lvseg.inference.consistency.phase_jumps import MIN_PHASES, phase_jumps
from keras_lvseg.inference.consistency.study_masks import Change, StudyMasks, mean_certainty
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.models.pretrained import CERTAINTY
from keras_lvseg.studies.frame import Frame

_NEAR = 15.0  # mm from the axis at which a component's evidence counts half
_MIN_CORRELATION = 0.5  # of the areas of a slice at the base with the volume of the rest, over the phases


def keep_one_heart(
    frames: Sequence[Frame],
    probabilities: Callable[[int], np.ndarray],
    *,
    spacings: Sequence[tuple[float, float]],
    certainty: Mapping[str, float] = CERTAINTY,
) -> StudyMasks:
    """Decide the masks of a stack together.

    1. The heart's axis is a line through the cavities, see `fit_heart_axis`. In each image, the component that is
       certain, large and near to the axis is kept; none if all are far from it.
    2. Outwards from the slice with the most cavity, the stack ends at the first slice that is uncertain, or that has
       another organ as the best component in half of the phases or more. At the base it also ends at a slice that has
       masks in most phases, if their areas do not follow the volume of the other slices: atria and vessels do not
       shrink in systole. One slice that is not good enough is kept if two better ones follow it.
    3. An image without a mask, or whose mask has another area or place than in the phases around it while these agree,
       gets a mask with borders midway between those of the phase before and the phase after. This needs 5 phases; the
       last phase is followed by the first.

    Args:
        frames: The frames of one study.
        probabilities: Returns the array of shape (classes, rows, columns) of a frame by its index. It is called
            several times for a frame, so that not all arrays are in memory.
        spacings: Pixel spacing of each frame in mm, between rows and between columns.
        certainty: The network's, see `keras_lvseg.models.PretrainedInfo`.

    Returns:
        The masks in the order of the frames, and how each was changed.

    Example:
        >>> from pathlib import Path
        >>> frames = [Frame(Path(f"{s}"), "", "", rows=40, columns=40, slice=s, slice_spacing=8.0) for s in range(4)]
        >>> cavity = np.full((4, 40, 40), 0.01)
        >>> cavity[:, 10:20, 10:20] = 0.99
        >>> cavity[3] = np.roll(cavity[3], 18)  # far from the others
        >>> heart = keep_one_heart(frames, lambda i: np.stack([1 - cavity[i], cavity[i]]), spacings=[(2.0, 2.0)] * 4)
        >>> [int(mask.sum()) for mask in heart.masks], heart.changes
        ([100, 100, 100, 0], [None, None, None, 'removed'])
    """
    stack = StackCavities(frames, probabilities, spacings, certainty)
    stack.choose()
    stack.remove_ends()
    stack.resolve()
    return stack.masks()


class StackCavities:
    """The cavities of a study while they are decided."""

    def __init__(
        self,
        frames: Sequence[Frame],
        probabilities: Callable[[int], np.ndarray],
        spacings: Sequence[tuple[float, float]],
        certainty: Mapping[str, float] = CERTAINTY,
    ):
        self.frames, self.spacings, self.certainty = frames, spacings, certainty
        self.probabilities = lru_cache(maxsize=1)(probabilities)  # a mask is decided and judged by the same
        self.candidates = [find_cavities(probabilities(i), frame, spacings[i]) for i, frame in enumerate(frames)]
        self.chosen = [own[0] if own else None for own in self.candidates]
        self.resolved: dict[int, np.ndarray] = {}
        self.heights = slice_heights(frames)
        self.by_slice: dict[int, list[int]] = defaultdict(list)
        for i in sorted(range(len(frames)), key=lambda i: (frames[i].slice, frames[i].phase)):
            self.by_slice[frames[i].slice].append(i)

    def choose(self) -> None:
        """Choose the component of each image by evidence and distance from the axis."""
        for _ in range(2):
            self.axis = heart_axis(self.frames, self.chosen, self.heights)
            self.chosen = [self._nearest(i, own) for i, own in enumerate(self.candidates)]

    def _nearest(self, i: int, cavities: Sequence[Cavity]) -> Cavity | None:
        axis = self.axis[self.frames[i].slice]
        near = [cavity for cavity in cavities if distance(cavity, axis) <= FAR]
        return max(near, key=lambda own: own.evidence / (1 + (distance(own, axis) / _NEAR) ** 2), default=None)

    def remove_ends(self) -> None:
        """Remove the masks of slices beyond apex and base."""
        slices = sorted(self.by_slice)
        mass = {s: sum(c.evidence for c in self._cavities(s)) for s in slices}
        middle = slices.index(max(slices, key=lambda s: mass[s]))
        ways = slices[middle + 1 :], slices[:middle][::-1]
        base = max(ways, key=lambda way: self._end_area([slices[middle], *way]))
        for way in ways:
            good = [self._is_heart(s) and (way != base or self._contracts(s)) for s in way]
            end = next((n for n, own in enumerate(good) if not own and good[n + 1 : n + 3] != [True, True]), len(way))
            for s in way[end:]:
                for i in self.by_slice[s]:
                    self.chosen[i] = None

    def _cavities(self, slice_: int) -> list[Cavity]:
        return [cavity for i in self.by_slice[slice_] if (cavity := self.chosen[i]) is not None]

    def _end_area(self, slices: Sequence[int]) -> float:
        """Return the mean area in the last slice with masks in most phases: the ventricle is wider at the base."""
        for s in reversed(slices):
            areas = [cavity.area for cavity in self._cavities(s)]
            if 2 * len(areas) > len(self.by_slice[s]):
                return float(np.mean(areas))
        return 0.0

    def _contracts(self, slice_: int) -> bool:
        """Return whether a slice's area follows the volume of the others.

        A slice with masks in half of the phases or fewer is at the base in diastole only, and passes.
        """
        if 2 * len(self._cavities(slice_)) <= len(self.by_slice[slice_]):
            return True
        own: dict[int, float] = defaultdict(float)
        rest: dict[int, float] = defaultdict(float)
        for i, cavity in enumerate(self.chosen):
            areas = own if self.frames[i].slice == slice_ else rest
            areas[self.frames[i].phase] += cavity.area if cavity else 0.0
        phases = sorted(own.keys() & rest.keys())
        curves = [[areas[phase] for phase in phases] for areas in (own, rest)]
        if len(phases) < MIN_PHASES or min(np.ptp(curve) for curve in curves) == 0:
            return True
        return statistics.correlation(*curves) >= _MIN_CORRELATION

    def _is_heart(self, slice_: int) -> bool:
        own, cavities = self.by_slice[slice_], self._cavities(slice_)
        if not cavities:
            return False
        # Where phases are few, one wrong mask weighs more, and the other may be right.
        needed = self.certainty["end_of_stills"]
        if len(own) >= MIN_PHASES:
            needed = self.certainty["end"]
            masks = sum(bool(self.candidates[i]) for i in own)
            best = sum(bool(self.candidates[i]) and self.candidates[i][0] == self.chosen[i] for i in own)
            if 2 * best <= masks:
                return False
        areas = [cavity.area for cavity in cavities]
        return float(np.average([cavity.certainty for cavity in cavities], weights=areas)) >= needed

    def resolve(self) -> None:
        """Give images that differ from the phases around them the mean shape of these."""
        found = {own[place] for own in self.by_slice.values() for place in phase_jumps([self.chosen[i] for i in own])}
        for i in sorted(found):
            sides = self._sides(i)
            if self._is_end(i, found) or any(self.frames[j].shape != self.frames[i].shape for j in sides):
                continue
            mask = mean_shape([self._mask(j) for j in sides], self.spacings[i])
            if (mask == 1).any():
                self.resolved[i] = mask

    def _sides(self, i: int) -> list[int]:
        """Return the images of the phase before and the phase after."""
        own = self.by_slice[self.frames[i].slice]
        return [own[(own.index(i) + step) % len(own)] for step in (-1, 1)]

    def _is_end(self, i: int, found: set[int]) -> bool:
        """Return whether an image has no mask because the heart ends before it, in a phase that is right elsewhere."""
        if self.chosen[i] is not None:
            return False
        slice_, phase = self.frames[i].slice, self.frames[i].phase
        others = [j for j, frame in enumerate(self.frames) if frame.phase == phase and j not in found]
        filled = [self.frames[j].slice for j in others if self.chosen[j] is not None]
        return bool(filled) and not min(filled) < slice_ < max(filled)

    def masks(self) -> StudyMasks:
        """Return the masks of the chosen components."""
        result = StudyMasks()
        for i, (own, cavity) in enumerate(zip(self.candidates, self.chosen, strict=True)):
            change: Change | None = None
            if i in self.resolved:
                change = "resolved"
            elif cavity != (own[0] if own else None):
                change = "removed" if cavity is None else "moved"
            mask = self._mask(i)
            certainty = mean_certainty(mask, self._probabilities(i)) if mask.any() else None
            result.append(mask, certainty, change)
        return result

    def _mask(self, i: int) -> np.ndarray:
        cavity = self.chosen[i]
        if i in self.resolved:
            return self.resolved[i]
        if cavity is None:
            return np.zeros(self.frames[i].shape, np.uint8)
        return keep_best_component(self.probabilities(i), seed=cavity.seed)

    def _probabilities(self, i: int) -> np.ndarray:
        """Return the probabilities that a mask is judged by."""
        if i in self.resolved:
            return mean_probabilities([self.probabilities(j) for j in self._sides(i)])
        return self.probabilities(i)
