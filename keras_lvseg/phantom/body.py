"""Surroundings of the phantom's heart: chest wall, lungs, organs, and receiver coils.

Signals are relative to blood (1) and signed: water is positive, fat negative, as in the balanced sequences of cine
images. Where both share a pixel they cancel, which draws the well-known dark line around organs in fat. Lengths are in
mm in the plane of `anatomy`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from keras_lvseg.phantom.organs import Organ, sample_organ
from keras_lvseg.phantom.texture import Texture, cover, paint, sample_texture

FAT, MUSCLE, LIVER, SPLEEN, LUNG = -0.85, 0.30, 0.42, 0.45, 0.032
_CORTEX = 0.03  # cortical bone gives nearly no signal


@dataclass(frozen=True)
class Body:
    """The body around the heart, the same in every phase; see `sample_body`. Lengths are in mm.

    Attributes:
        axes: Half axes of the chest, along its own x and y.
        turn: Rotation of the chest in radians.
        ripple: Complex amplitudes of the skin's deviation from an ellipse, for 2 to 5 waves around it.
        front: Direction from the heart to the nearest part of the chest wall, in radians.
        gap: Distance from the heart's axis to the chest wall in that direction, at z = 0.
        slope: Decrease of `gap` per mm of height, because the apex is near the wall.
        fat: Thickness of the fat under the skin: mean, and complex amplitudes for 1 and 2 waves around the chest.
        muscle: Thickness of muscle and ribs.
        dome: The diaphragm: x of its top, its width, y of its top at z = 0, and the decrease of y per mm of height.
        organs: Organs below the diaphragm, in the order of painting, with y counted from its top.
        pad: Fat between the heart and the chest wall.
        vessels: Vessels of the lungs: array of (x, y, z, radius, signal, dx/dz, dy/dz) of shape (n, 7).
        coils: Coil elements: array of (x, y, z, reach, gain) of shape (n, 5).
        texture: Random fields on the image's grid.
    """

    axes: tuple[float, float]
    turn: float
    ripple: tuple[complex, ...]
    front: float
    gap: float
    slope: float
    fat: tuple[float, complex, complex]
    muscle: float
    dome: tuple[float, float, float, float]
    organs: tuple[Organ, ...]
    pad: Organ
    vessels: np.ndarray = field(repr=False)
    coils: np.ndarray = field(repr=False)
    texture: Texture = field(repr=False)

    def render(
        self, x: np.ndarray, y: np.ndarray, z: float, pixel: float, soft: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Paint a slice without the heart.

        Args:
            x: x of each pixel in mm, shape (size, size).
            y: y of each pixel in mm.
            z: Height of the slice in mm.
            pixel: Width of a pixel in mm.
            soft: Width in mm of edges, which most often cross the slice obliquely.

        Returns:
            Signed signals of shape (size, size), and the fraction of each pixel inside the chest wall.
        """
        grain = [self.texture.at(i, z) for i in range(3)]
        coarse, middle, fine = grain
        x, y = x + 2.2 * coarse, y + 2.2 * self.texture.at(0, z + 28)  # makes all curves irregular
        depth, angle = self._depth(x, y, z)
        fat = self._fat(angle)
        inner = depth - fat - self.muscle
        canvas = LUNG * (1.5 + coarse + middle + 0.7 * fine)
        self._paint_vessels(canvas, x, y, z, pixel)
        top, width, height, slope = self.dome
        height -= slope * z
        below = y - height - 28 * np.clip(np.abs(x - top) / width - 0.2, 0, None) ** 2
        paint(canvas, cover(-below, soft), MUSCLE)
        paint(canvas, cover(2.2 - below, soft), FAT * (0.7 + 0.12 * middle + 0.1 * fine))
        self._paint_bowel(canvas, grain, below, soft)
        for organ in self.organs:
            organ.render(canvas, grain, (x, y - height, z), 3.0 - below, soft)
        self.pad.render(canvas, grain, (x, y, z), np.full_like(below, -9.0), soft)
        self._paint_wall(canvas, grain, depth, fat, angle, soft)
        return canvas, cover(-inner, soft)

    def shading(self, x: np.ndarray, y: np.ndarray, z: float) -> np.ndarray:
        """Return the sensitivity of the coils over a slice, 1 at the origin at z = 40."""
        total, reference = np.zeros(x.shape), 0.0
        for cx, cy, cz, reach, gain in self.coils:
            near = 1 + ((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / reach**2
            total += gain / (near * near * near)
            reference += gain * (1 + (cx**2 + cy**2 + (40 - cz) ** 2) / reach**2) ** -3
        return np.sqrt(total / reference)

    def _edge(self, angle: np.ndarray) -> np.ndarray:
        """Return the distance of the skin from the centre of the chest, in directions of the plane."""
        own = angle - self.turn
        ellipse = 1 / np.hypot(np.cos(own) / self.axes[0], np.sin(own) / self.axes[1])
        spin = np.exp(1j * angle)
        return ellipse * (1 + sum((a * spin**k).real for k, a in enumerate(self.ripple, 2)))

    def _fat(self, angle: np.ndarray) -> np.ndarray:
        """Return the thickness of the fat under the skin, in directions from the centre of the chest."""
        mean, once, twice = self.fat
        spin = np.exp(1j * angle)
        return np.maximum(mean * (1 + (once * spin + twice * spin**2).real), 4.0)

    def _depth(self, x: np.ndarray, y: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the depth below the skin, and the direction from the centre of the chest."""
        front = np.array(self.front)
        reach = float(self._edge(front) - self._fat(front)) - self.muscle - (self.gap - self.slope * z)
        u, v = x + reach * np.cos(self.front), y + reach * np.sin(self.front)
        angle = np.arctan2(v, u)
        turns = np.linspace(-np.pi, np.pi, 361)
        return np.interp(angle, turns, self._edge(turns)) - np.hypot(u, v), angle

    def _paint_bowel(self, canvas: np.ndarray, grain: list[np.ndarray], below: np.ndarray, soft: float) -> None:
        coarse, middle, fine = grain
        deep = cover(22.0 - below, 15.0)
        loops = cover(6.0 * (np.abs(coarse) - 0.55 + 0.15 * middle), soft)
        paint(canvas, loops * deep, MUSCLE * (1.1 + 0.35 * middle + 0.3 * fine))

    def _paint_wall(
        self,
        canvas: np.ndarray,
        grain: list[np.ndarray],
        depth: np.ndarray,
        fat: np.ndarray,
        angle: np.ndarray,
        soft: float,
    ) -> None:
        coarse, middle, fine = grain
        inner = depth - fat - self.muscle
        streaks = np.sin(0.8 * (depth - fat) + 1.5 * coarse + 0.5 * middle)
        paint(canvas, cover(inner, soft), MUSCLE * (0.9 + 0.35 * fine + 0.25 * middle))
        between = cover(inner, soft) * np.clip(0.9 * streaks - 0.2, 0, 1) * np.clip(0.6 + 0.5 * coarse, 0, 1)
        paint(canvas, between, 0.7 * FAT)
        rib = np.abs(depth - fat - 0.6 * self.muscle) - 0.3 * self.muscle
        rib = np.maximum(rib, 9.0 * (0.35 - np.cos(9 * angle + 1.3 * coarse)))
        paint(canvas, cover(rib, soft), _CORTEX)
        paint(canvas, cover(rib + 2.2, soft), 0.4 * FAT * (1 + 0.2 * fine))
        paint(canvas, cover(depth - fat, soft), FAT * (1 + 0.07 * middle + 0.08 * fine))
        paint(canvas, cover(depth - 1.8, soft), 0.3)
        paint(canvas, cover(depth, soft), 0.0)

    def _paint_vessels(self, canvas: np.ndarray, x: np.ndarray, y: np.ndarray, z: float, pixel: float) -> None:
        left, right, top, bottom = x.min(axis=0), x.max(axis=0), y.min(axis=1), y.max(axis=1)
        for vx, vy, vz, radius, signal, dx, dy in self.vessels:
            height = z - vz
            if abs(height) > 25:
                continue
            vx, vy, reach = vx + dx * height, vy + dy * height, radius + 2 * pixel
            rows = np.flatnonzero((top < vy + reach) & (bottom > vy - reach))
            columns = np.flatnonzero((left < vx + reach) & (right > vx - reach))
            if not (rows.size and columns.size):
                continue
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            u, v, own = x[box] - vx, y[box] - vy, canvas[box]
            near = (np.abs(u) < reach) & (np.abs(v) < reach)
            share = cover(np.hypot(u[near], v[near]) - radius, 2 * pixel)
            own[near] += share * (signal * (1 - (height / 25) ** 2) - own[near])


def sample_body(rng: np.random.Generator, size: int, heart: float) -> Body:
    """Draw a random body.

    Args:
        rng: The random generator.
        size: Rows and columns of the images.
        heart: Largest radius of the left ventricle's outer border in mm.
    """
    organs = (
        sample_organ(rng, (-80, 62, 40), (95, 66, 140), LIVER, 0.05, 0.9 * LIVER, 0.35),
        sample_organ(rng, (92, 45, 50), (30, 46, 90), SPLEEN, 0.05, SPLEEN, 0.1),
        sample_organ(rng, (38, 26, 60), (44, 22, 70), 0.40, 0.4, MUSCLE, 0.0),
        sample_organ(rng, (72, 90, 25), (24, 34, 60), 0.45, 0.08, 0.5, 0.2),
        sample_organ(rng, (-5, 95, 20), (22, 20, 300), -0.40, 0.15, _CORTEX, 0.0),
        sample_organ(rng, (25, 72, 20), (11, 11, 300), 0.95, 0.03, 0.1, 0.0),
    )
    front = np.pi + float(rng.uniform(0.5, 0.95))
    side = np.array([np.cos(front), np.sin(front)])
    middle = (heart + 30) * side
    pad = sample_organ(rng, (middle[0], middle[1], 30), (32, 75, 120), 0.75 * FAT, 0.08, 0.6 * FAT, 0.5)
    gap = heart + float(rng.uniform(34, 48))
    spread = front + np.array([-0.8, -0.25, 0.3, 0.85]) + rng.normal(0, 0.12, 4)
    away = gap + rng.uniform(35, 60, 4) + np.array([30, 5, 5, 30])
    reach = rng.uniform(65, 90, 4)
    coils = np.column_stack(
        [
            away * np.cos(spread),
            away * np.sin(spread),
            rng.uniform(10, 90, 4),
            reach,
            rng.uniform(0.3, 1.5, 4),
        ]
    )
    back = np.array([[70.0, 190.0, 30.0, 110.0, 1.0], [190.0, 60.0, 30.0, 110.0, 1.0]])
    ripple = rng.normal(0, (0.02, 0.015, 0.01, 0.006), (2, 4))
    fat = rng.normal(0, (0.25, 0.15), (2, 2))
    return Body(
        axes=(float(rng.uniform(106, 130)), float(rng.uniform(190, 250))),
        turn=float(rng.normal(0.5, 0.12)),
        ripple=tuple(complex(a, b) for a, b in ripple.T),
        front=front,
        gap=gap,
        slope=float(rng.uniform(0.22, 0.36)),
        fat=(float(rng.gamma(5, 2.4)) + 4, complex(*fat[:, 0]), complex(*fat[:, 1])),
        muscle=float(rng.uniform(11, 18)),
        dome=(
            float(rng.normal(-25, 15)),
            float(rng.normal(85, 10)),
            heart + float(rng.uniform(-5, 4)),
            float(rng.uniform(0.2, 0.35)),
        ),
        organs=organs,
        pad=pad,
        vessels=_lung_vessels(rng, heart),
        coils=np.concatenate([coils, back]),
        texture=sample_texture(rng, size),
    )


def _lung_vessels(rng: np.random.Generator, heart: float) -> np.ndarray:
    """Draw random vessels in the lungs, most of them near the heart."""
    count = 160
    away = heart + 7 + rng.exponential(20, count)
    angle = rng.uniform(-2.6, 0.5, count)
    place = [away * np.cos(angle), away * np.sin(angle), rng.uniform(-40, 110, count)]
    look = [rng.gamma(2.5, 0.45, count), rng.uniform(0.2, 0.9, count)]
    return np.column_stack([*place, *look, *rng.normal(0, 0.5, (2, count))])
