"""Phases whose cavity differs from the phases around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_lvseg.inference.consistency.cavity import Cavity

MIN_PHASES = 5
"""Phases of a slice that a comparison over time needs."""

_AREA = 0.25  # change of area from phase to phase, as a fraction of the slice's largest area
_DISTANCE = 12.0  # mm; change of the centroid from phase to phase


def phase_jumps(cavities: Sequence[Cavity | None]) -> list[int]:
    """Return the phases of a slice whose cavity differs from the phases around it while these agree.

    Args:
        cavities: The cavity of each phase in order, None if the mask is empty. The last is followed by the first.

    Returns:
        Indices of phases. Empty if there are fewer than 5 phases.
    """
    count = len(cavities)
    if count < MIN_PHASES or not any(cavities):
        return []
    largest = max(cavity.area for cavity in cavities if cavity is not None)
    found = []
    for place, own in enumerate(cavities):
        before, after = (cavities[(place + step) % count] for step in (-1, 1))
        if before is None or after is None:
            continue
        apart = float(np.hypot(*np.subtract(before.centroid, after.centroid)))
        step = abs(before.area - after.area)
        if apart > _DISTANCE or step > _AREA * largest:
            continue  # the phases around it do not agree
        mean_area = (before.area + after.area) / 2
        if own is None:
            if mean_area > _AREA * largest:
                found.append(place)
            continue
        middle = np.mean([before.centroid, after.centroid], axis=0)
        moved = float(np.hypot(*(own.centroid - middle)))
        if abs(own.area - mean_area) > max(_AREA * largest, step) or moved > _DISTANCE:
            found.append(place)
    return found
