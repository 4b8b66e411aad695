"""The line through the cavities of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from keras_lvseg.geometry import slice_normal
from keras_lvseg.inference.consistency.cavity import Cavity
from keras_lvseg.studies.frame import Frame

FAR = 25.0
"""Largest distance of a cavity's centroid from the heart's axis, mm."""

_SPREAD = 15.0  # mm; a centroid this far from the axis has a quarter of its weight
_STIFFNESS = 100.0  # mm2; a stack that reaches 10 mm from its middle gets half of its slope
_ROUNDS = 20


def fit_heart_axis(centroids: np.ndarray, heights: np.ndarray, weights: np.ndarray, at: Sequence[float]) -> np.ndarray:
    """Fit a line to centroids of cavities, some of which may be other organs.

    The fit starts at the weighted median. Then each centroid loses weight with its distance from the line.

    Args:
        centroids: Array of shape (n, 2), n >= 1: places in the plane of the slices, mm.
        heights: Array of shape (n,): place of each centroid's slice along the stack, mm.
        weights: Array of shape (n,) with values above 0.
        at: Places along the stack, mm.

    Returns:
        Array of shape (len(at), 2): the line at each of `at`, mm.

    Example:
        >>> centroids = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0], [90.0, 20.0]])
        >>> fit_heart_axis(centroids, 8 * np.arange(5.0), np.array([1, 3, 3, 2, 2]), [0.0, 32.0]).round()[:, 0]
        array([2., 4.])
    """
    share = weights / weights.sum()
    line = np.array([_weighted_median(column, share) for column in centroids.T])
    for _ in range(_ROUNDS):
        squares = ((centroids - line) ** 2).sum(axis=1)
        trusted = share / (1 + squares / _SPREAD**2) ** 2
        trusted /= trusted.sum()
        level, middle = trusted @ centroids, trusted @ heights
        around = heights - middle
        slope = (trusted * around) @ (centroids - level) / (trusted @ around**2 + _STIFFNESS)
        line = level + np.outer(around, slope)
    return level + np.outer(np.subtract(at, middle), slope)


def heart_axis(
    frames: Sequence[Frame], cavities: Sequence[Cavity | None], heights: Mapping[int, float]
) -> dict[int, np.ndarray]:
    """Return the place of the heart's axis in each slice, mm.

    Args:
        frames: The frames of a study.
        cavities: The cavity of each frame, None if its mask is empty.
        heights: Place of each slice along the stack, mm, from `slice_heights`.
    """
    known = [(f.slice, own) for f, own in zip(frames, cavities, strict=True) if own is not None and own.evidence > 0]
    slices = sorted(heights)
    if not known:
        return {slice_: np.zeros(2) for slice_ in slices}
    centroids = np.array([own.centroid for _, own in known])
    places = np.array([heights[slice_] for slice_, _ in known])
    line = fit_heart_axis(centroids, places, np.array([own.evidence for _, own in known]), [heights[s] for s in slices])
    return dict(zip(slices, line, strict=True))


def slice_heights(frames: Sequence[Frame]) -> dict[int, float]:
    """Return the place of each slice along the stack, mm."""
    normal = slice_normal(frames[0].orientation) if np.isfinite(frames[0].centre).all() else None
    heights: dict[int, float] = {}
    for frame in frames:
        height = frame.slice * (frame.slice_spacing or 8.0) if normal is None else float(normal @ frame.centre)
        heights.setdefault(frame.slice, height)
    return heights


def _weighted_median(values: np.ndarray, share: np.ndarray) -> float:
    """Return the middle of the values, which mirrored values have mirrored."""
    order = np.argsort(values)
    below = np.cumsum(share[order])
    first, last = (int(np.searchsorted(below, half)) for half in (0.5 - 1e-9, 0.5 + 1e-9))
    return float(values[order][[first, min(last, len(values) - 1)]].mean())
