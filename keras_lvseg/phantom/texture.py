"""How the phantom is painted: soft edges laid one over the other, and random fields for tissue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft


def paint(canvas: np.ndarray, cover: np.ndarray, signal: float | np.ndarray) -> None:
    """Lay a signal over a canvas, in place; `cover` is the share of each pixel, 0 to 1."""
    canvas += cover * (signal - canvas)


def cover(distance: np.ndarray, ramp: float) -> np.ndarray:
    """Share of a pixel inside an edge: from 1 to 0 over a width `ramp` about distance 0, negative inside."""
    return np.clip(0.5 - distance / ramp, 0, 1)


@dataclass(frozen=True)
class Texture:
    """Random fields that change smoothly with height, of mean 0 and standard deviation 1.

    Attributes:
        fields: Array of shape (3, 2, size, size): coarse, middle and fine grain, two fields of each.
    """

    fields: np.ndarray

    def at(self, grain: int, z: float) -> np.ndarray:
        """Give the field of a grain (0 coarse, 1 middle, 2 fine) at height z in mm; another 28 mm on."""
        first, second = self.fields[grain]
        return np.cos(z / 18) * first + np.sin(z / 18) * second


def sample_texture(rng: np.random.Generator, size: int) -> Texture:
    """Draw fields whose grains have correlation lengths of about 14, 4 and 1.5 pixels."""
    wave = np.hypot(*np.meshgrid(scipy.fft.fftfreq(size), scipy.fft.rfftfreq(size), indexing="ij"))
    fields = np.empty((3, 2, size, size))
    for grain, length in enumerate((14.0, 4.0, 1.5)):
        smooth = np.exp(-2 * (np.pi * wave * length) ** 2 / 2)
        for i in range(2):
            noise = scipy.fft.irfft2(scipy.fft.rfft2(rng.standard_normal((size, size))) * smooth)
            fields[grain, i] = (noise - noise.mean()) / noise.std()
    return Texture(fields)
