"""Organs around the phantom's heart; see `body` for signals and directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_lvseg.phantom.texture import cover, paint


@dataclass(frozen=True)
class Organ:
    """An organ: an ellipsoid with a wavy edge. Lengths are in mm.

    Attributes:
        centre: Centre (x, y, z).
        axes: Half axes: two in the plane, along the organ's own x and y, and one along z.
        turn: Rotation in the plane, in radians.
        ripple: Complex amplitudes of the edge's deviation from the ellipse, for 2, 3 and 4 waves around it.
        signal: Signal of the inside.
        rough: Strength of the texture of the inside.
        rim: Signal of the organ's wall, 1.6 mm wide.
        vessels: Signal added by vessels.
    """

    centre: tuple[float, float, float]
    axes: tuple[float, float, float]
    turn: float
    ripple: tuple[complex, ...]
    signal: float
    rough: float
    rim: float
    vessels: float

    def render(
        self,
        canvas: np.ndarray,
        grain: list[np.ndarray],
        place: tuple[np.ndarray, np.ndarray, float],
        outside: np.ndarray,
        soft: float,
    ) -> None:
        """Paint the organ over a slice, in place.

        Args:
            canvas: Signed signals of shape (size, size).
            grain: Textures of the slice: coarse, middle and fine.
            place: x and y of each pixel in mm, and the height z of the slice.
            outside: Signed distance in mm to the edge of the space for the organ, negative inside.
            soft: Width of the organ's edge in mm.
        """
        x, y, z = place
        height = (z - self.centre[2]) / self.axes[2]
        if abs(height) >= 0.98:
            return
        shrink = np.sqrt(1 - height**2)
        u, v = x - self.centre[0], y - self.centre[1]
        c, s = np.cos(self.turn), np.sin(self.turn)
        u, v = (c * u + s * v) / self.axes[0], (c * v - s * u) / self.axes[1]
        reach = shrink * (1 + sum(map(abs, self.ripple))) + soft / min(self.axes[:2])
        near = u * u + v * v < reach**2  # most organs cover few pixels
        part, distance = canvas[near], np.maximum(self._distance(u[near], v[near], shrink), outside[near])
        coarse, middle, fine = (field[near] for field in grain)
        inside = self.signal * (1 + self.rough * (middle + 0.7 * fine))
        vessels = np.clip(1 - np.abs(middle + 0.4 * coarse) / 0.16, 0, 1) * np.clip(coarse - 0.3, 0, 1)
        paint(part, cover(distance, soft), self.rim)
        paint(part, cover(distance + 1.6, soft), inside + self.vessels * vessels)
        canvas[near] = part

    def _distance(self, u: np.ndarray, v: np.ndarray, shrink: float) -> np.ndarray:
        """Return the signed distance to the edge in mm, accurate near it, from positions in units of the half axes."""
        spin = (u + 1j * v) / np.maximum(np.hypot(u, v), 1e-6)
        edge = shrink * (1 + sum((a * spin**k).real for k, a in enumerate(self.ripple, 2)))
        return (np.hypot(u, v) - edge) * min(self.axes[:2])


def sample_organ(
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    axes: tuple[float, float, float],
    signal: float,
    rough: float,
    rim: float,
    vessels: float,
) -> Organ:
    """Draw a random organ near `centre`, with half axes near `axes`; see `Organ`."""
    x, y, z = (float(c + rng.normal(0, 6)) for c in centre)
    a, b, c = (float(r * rng.uniform(0.85, 1.15)) for r in axes)
    ripple = rng.normal(0, (0.06, 0.04, 0.02), (2, 3))
    waves = tuple(complex(p, q) for p, q in ripple.T)
    return Organ((x, y, z), (a, b, c), float(rng.normal(0, 0.2)), waves, signal, rough, rim, vessels)
