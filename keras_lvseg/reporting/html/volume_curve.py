"""The volume of the cavity over the phases, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 420, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 24, 36  # margins


def volume_curve(volumes: Sequence[Mapping[str, Any]], ed_phase: int | None, es_phase: int | None) -> str:
    """Return a drawing of the volume of each phase.

    Phases that lack a slice have open circles. End-diastole and end-systole are named.

    Args:
        volumes: `volumes` of `study.json`.
        ed_phase: End-diastolic phase. None if unknown.
        es_phase: End-systolic phase. None if unknown.

    Returns:
        An SVG element; empty for no volumes.

    Example:
        >>> volumes = [{"phase": phase, "volume_ml": 120 - 70 * phase, "slices": 8} for phase in (0, 1)]
        >>> drawn = volume_curve(volumes, 0, 1)
        >>> drawn.count("<circle"), "ED 120 mL" in drawn
        (2, True)
    """
    if not volumes:
        return ""
    phases = [volume["phase"] for volume in volumes]
    step = _tick_step(max(volume["volume_ml"] for volume in volumes))
    top = step * max(math.ceil(max(volume["volume_ml"] for volume in volumes) / step), 1)
    slices = max(volume["slices"] for volume in volumes)
    first, last = min(phases), max(phases)

    def x(phase: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (phase - first) / max(last - first, 1)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top

    parts = []
    for tick in range(round(top / step) + 1):
        height = y(tick * step)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{tick * step:g}</text>')
    every = max(math.ceil((last - first + 1) / 10), 1)
    for phase in range(first, last + 1, every):
        parts.append(f'<text x="{x(phase):.1f}" y="{_HEIGHT - 20}" text-anchor="middle">{phase}</text>')
    parts.append(f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 4}" text-anchor="middle">phase</text>')
    parts.append('<text x="4" y="12">volume of the cavity, mL</text>')
    points = " ".join(f"{x(volume['phase']):.1f},{y(volume['volume_ml']):.1f}" for volume in volumes)
    parts.append(f'<polyline class="line" points="{points}"/>')
    for volume in volumes:
        part = ' class="part"' if volume["slices"] < slices else ""
        place = f'cx="{x(volume["phase"]):.1f}" cy="{y(volume["volume_ml"]):.1f}"'
        title = f"phase {volume['phase']}: {volume['volume_ml']:.1f} mL, {volume['slices']} slices"
        parts.append(f'<circle{part} {place} r="3"><title>{title}</title></circle>')
        for name, own in (("ED", ed_phase), ("ES", es_phase)):
            if volume["phase"] == own:
                across = min(max(x(volume["phase"]), _LEFT + 30), _WIDTH - _RIGHT - 34)
                down = y(volume["volume_ml"]) + (16 if name == "ES" else -8)
                label = f"{name} {volume['volume_ml']:.0f} mL"
                parts.append(f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="middle">{label}</text>')
    label = "Volume of the cavity in each phase"
    return f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _tick_step(largest: float) -> float:
    """Return 1, 2 or 5 times a power of ten, so that about four steps reach the largest value."""
    rough = max(largest, 1e-3) * 1.15 / 4  # room for the name of end-diastole
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
