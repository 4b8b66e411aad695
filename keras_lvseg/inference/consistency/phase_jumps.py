"""Phases whose cavity differs from the phases around it."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
    areas = [0.0 if cavity is None else cavity.area for cavity in cavities]
    found = []
    for place, own in enumerate(cavities):
        before, after = (cavities[(place + step) % count] for step in (-1, 1))
        if before is None or after is None or math.dist(before.centroid, after.centroid) > _DISTANCE:
            continue
        around = [areas[(place + step) % count] for step in (-2, -1, 1, 2)]
        middle = (before.centroid[0] + after.centroid[0]) / 2, (before.centroid[1] + after.centroid[1]) / 2
        moved = own is not None and math.dist(own.centroid, middle) > _DISTANCE
        # A heart's smallest area is a sharp minimum, which lines through the phases on one side lead to.
        expected = (around[1] + around[2]) / 2, 2 * around[1] - around[0], 2 * around[2] - around[3]
        agree = own is None or abs(around[1] - around[2]) <= _AREA * largest
        if moved or (agree and min(abs(areas[place] - area) for area in expected) > _AREA * largest):
            found.append(place)
    return found
