"""Painting of the phantom: soft edges over one another, and random fields as tissue texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft


def paint(canvas: np.ndarray, cover: np.ndarray, signal: float | np.ndarray) -> None:
    """Paint a signal over a canvas, in place. `cover` is the covered fraction of each pixel, 0 to 1."""
    canvas += cover * (signal - canvas)


def cover(distance: np.ndarray, ramp: float) -> np.ndarray:
    """Return the fraction of each pixel inside an edge.

    It falls from 1 to 0 over the width `ramp` around the distance 0. Distances are negative inside.
    """
    return np.clip(0.5 - distance / ramp, 0, 1)


@dataclass(frozen=True)
class Texture:
    """Random fields of mean 0 and standard deviation 1 that change smoothly with height.

    Attributes:
        fields: Array of shape (3, 2, size, size): two fields each of coarse, middle and fine grain.
    """

    fields: np.ndarray

    def at(self, grain: int, z: float) -> np.ndarray:
        """Return the field of a grain (0 coarse, 1 middle, 2 fine) at height z in mm. It is unrelated 28 mm away."""
        first, second = self.fields[grain]
        return np.cos(z / 18) * first + np.sin(z / 18) * second


def sample_texture(rng: np.random.Generator, size: int) -> Texture:
    """Draw random fields. Their grains have correlation lengths of about 14, 4 and 1.5 pixels."""
    wave = np.hypot(*np.meshgrid(scipy.fft.fftfreq(size), scipy.fft.rfftfreq(size), indexing="ij"))
    fields = np.empty((3, 2, size, size))
    for grain, length in enumerate((14.0, 4.0, 1.5)):
        smooth = np.exp(-2 * (np.pi * wave * length) ** 2 / 2)
        for i in range(2):
            noise = scipy.fft.irfft2(scipy.fft.rfft2(rng.standard_normal((size, size))) * smooth)
            fields[grain, i] = (noise - noise.mean()) / noise.std()
    return Texture(fields)
