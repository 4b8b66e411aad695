"""End-diastole and end-systole of a curve of volumes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_MIN_PHASES = 8
_HARMONICS = 3
_ROUNDS = 10
_FLAT = 0.05  # of the curve's range
_TIED = 0.01  # of the volume


def end_phases(volumes: Sequence[float]) -> tuple[int, int]:
    """Return the phases of the largest and of the smallest volume, so that one wrong volume does not move them.

    A curve of the first three harmonics is fitted, with little weight for volumes that are far from it. The largest and
    the smallest volume are searched in the phases where the curve is within 5 % of its range of an extreme, and in one
    phase before and after each. They must be near to the curve, or to the line through the two phases before or after.
    Of phases whose volumes are within 1 % of the extreme one, the mean with the phases before and after decides: they
    differ by chance. The last phase is followed by the first. Curves of fewer than 8 phases are taken as they are.

    Args:
        volumes: The volume of each phase, two or more, in any unit.

    Returns:
        Index of end-diastole and of end-systole.

    Example:
        >>> volumes = 100 + 40 * np.cos(2 * np.pi * np.arange(20) / 20)
        >>> volumes[4] = 180
        >>> end_phases(volumes)
        (0, 10)
    """
    values = np.asarray(volumes, dtype=float)
    count = len(values)
    if count < _MIN_PHASES:
        return int(values.argmax()), int(values.argmin())
    angles = 2 * np.pi * np.outer(np.arange(count), np.arange(1, min(_HARMONICS, (count - 2) // 4) + 1)) / count
    terms = np.concatenate([np.ones((count, 1)), np.cos(angles), np.sin(angles)], axis=1)
    weights = np.ones(count)
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)
        curve = terms @ np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
        far = np.abs(values - curve)
        scale = max(1.5 * np.median(far), 0.05 * np.ptp(curve), 1e-9)
        weights = 1 / (1 + (far / (2 * scale)) ** 2) ** 2
    # A heart's smallest volume is a sharp minimum, which a line through the two phases before or after it leads to.
    lines = [2 * np.roll(values, step) - np.roll(values, 2 * step) for step in (1, -1)]
    good = (far <= 4 * scale) | (np.abs(values - lines).min(axis=0) <= scale)
    smooth = (np.roll(values, 1) + values + np.roll(values, -1)) / 3
    ends = []
    for sign in (1, -1):
        extreme = int(np.argmax(sign * curve))
        flat = np.flatnonzero(np.abs(curve - curve[extreme]) <= _FLAT * np.ptp(curve))
        near = {(int(phase) + step) % count for phase in flat for step in (0, -1, 1)}
        own = [phase for phase in near if good[phase]] or [extreme]
        best = max(own, key=lambda phase: (sign * values[phase], sign * curve[phase]))
        tied = [phase for phase in own if abs(values[phase] - values[best]) <= _TIED * abs(values[best])]
        ends.append(max(tied, key=lambda phase: (sign * smooth[phase], phase == best)))
    return ends[0], ends[1]
