"""Masks of a study, with their certainty and how they were decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Change = Literal["moved", "removed", "resolved"]
"""How a mask differs from the one that the image gets by itself: another component, none, or that of other phases."""


@dataclass
class StudyMasks:
    """Masks of a study, in the order of its frames.

    Attributes:
        masks: Class numbers per frame, uint8 arrays of the frames' shapes.
        certainties: Mean probability of the cavity inside each mask. None if it is empty.
        changes: How each mask was changed by the rest of the study. None if it was not.
    """

    masks: list[np.ndarray] = field(default_factory=list)
    certainties: list[float | None] = field(default_factory=list)
    changes: list[Change | None] = field(default_factory=list)

    def append(self, mask: np.ndarray, certainty: float | None, change: Change | None = None) -> None:
        """Append the mask of the next frame, with its certainty and change as in `StudyMasks`."""
        self.masks.append(mask)
        self.certainties.append(certainty)
        self.changes.append(change)


def mean_certainty(mask: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Return the mean probability of the cavity inside a mask, or None if it is empty.

    Args:
        mask: Class numbers of shape (rows, columns).
        probabilities: Array of shape (classes, rows, columns).
    """
    inside = mask == 1
    return float(probabilities[1][inside].mean(dtype=np.float64)) if inside.any() else None


def decide_alone(
    count: int, probabilities: Callable[[int], np.ndarray], decide: Callable[[np.ndarray], np.ndarray]
) -> StudyMasks:
    """Decide each mask by its own image.

    Args:
        count: Number of frames.
        probabilities: Returns the array of shape (classes, rows, columns) of a frame by its index.
        decide: Returns class numbers from such an array.
    """
    result = StudyMasks()
    for index in range(count):
        native = probabilities(index)
        mask = decide(native)
        result.append(mask, mean_certainty(mask, native))
    return result
