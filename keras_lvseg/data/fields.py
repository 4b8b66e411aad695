"""Smooth fields and noise by arithmetic that NumPy and TensorFlow do alike, so that two pipelines give one result."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import ndtri

# An integer hash of two multiplications (Chris Wellons' "lowbias32"): shift, multiplier, shift, multiplier, shift.
HASH_SHIFTS = (16, 15, 16)
HASH_MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
KEY_STEP = 0x9E3779B9
"""What a step of an image's key adds to the counter that is hashed: 2**32 divided by the golden ratio."""


@cache
def spline_weights(size: int, points: int) -> np.ndarray:
    """What each of some control points, evenly set, weighs at each pixel: a uniform cubic B-spline.

    The weights are never negative and sum to 1, so a field stays between its lowest and its highest control value.

    Args:
        size: Pixels along the axis.
        points: Control points, at least 4. The first and the last lie a step outside of the image.

    Returns:
        float32 array of shape (size, points); `spline_weights(H, n) @ values @ spline_weights(W, n).T` is a field.

    Example:
        >>> spline_weights(5, 7)[2].round(3)
        array([0.   , 0.   , 0.167, 0.667, 0.167, 0.   , 0.   ], dtype=float32)
    """
    distances = np.abs(np.arange(size)[:, None] / spline_step(size, points) + 1 - np.arange(points))
    near, far = 2 / 3 - distances**2 + distances**3 / 2, (2 - distances) ** 3 / 6
    return np.where(distances < 1, near, np.where(distances < 2, far, 0)).astype(np.float32)


def spline_step(size: int, points: int) -> float:
    """Pixels from a control point of `spline_weights` to the next.

    Example:
        >>> spline_step(257, 7)
        64.0
    """
    return max(size - 1, 1) / (points - 3)


def smooth_field(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Spread a square of control values over an image.

    Args:
        values: float32 array of shape (..., n, n).
        size: Rows and columns of the image.

    Returns:
        float32 array of shape (..., H, W).

    Example:
        >>> smooth_field(np.ones((2, 4, 4), np.float32), (100, 80)).shape
        (2, 100, 80)
    """
    points = values.shape[-1]
    return spline_weights(size[0], points) @ values @ spline_weights(size[1], points).T


@cache
def normal_quantiles() -> np.ndarray:
    """The normal distribution in 2**16 equal parts, the middle of each: float32.

    Example:
        >>> normal_quantiles()[[0, -1]]
        array([-4.324919,  4.324919], dtype=float32)
    """
    return ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


def normal_noise(key: int, size: tuple[int, int]) -> np.ndarray:
    """Independent normal numbers that depend on the key and the pixel alone, with no generator to carry along.

    Args:
        key: Integer, one an image.
        size: Rows and columns of the image.

    Returns:
        float32 array of shape (H, W), of mean 0 and standard deviation 1.

    Example:
        >>> noise = normal_noise(7, (256, 256))
        >>> bool(abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02)
        True
    """
    counter = np.arange(size[0] * size[1], dtype=np.uint32).reshape(size)
    bits = counter + np.uint32(key * KEY_STEP % 2**32)
    for shift, multiplier in zip(HASH_SHIFTS, (*HASH_MULTIPLIERS, 1), strict=True):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(multiplier)
    return normal_quantiles()[bits >> np.uint32(16)]
