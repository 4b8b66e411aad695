"""Continuous shape of the phantom's heart: cavity, wall and right ventricle at any height and phase.

Lengths are in mm. The plane is that of a short-axis view: x to the right, y down, the origin near the axis of the left
ventricle, the right ventricle to the left. The height z runs along that axis from the base (0 at end-diastole) towards
the apex.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PHASES = 20
"""Phases of one heartbeat."""

ANGLES = np.linspace(-np.pi, np.pi, 361)
"""Directions from the axis in which borders are given, in radians. The first and the last are the same."""

_HEARTS = {  # ranges of: end-diastolic volume (mL), ejection fraction, wall (mm), length / diameter
    "healthy": ((105, 165), (0.56, 0.70), (7.5, 10.0), (1.65, 1.90)),
    "dilated": ((190, 290), (0.20, 0.36), (6.8, 9.0), (1.30, 1.50)),
    "hypertrophic": ((90, 140), (0.58, 0.70), (12.5, 18.0), (1.60, 1.85)),
    "failing": ((140, 210), (0.36, 0.54), (7.5, 10.5), (1.50, 1.75)),
}


KINDS = tuple(_HEARTS)
"""The kinds of heart that `sample_heart` draws."""


@dataclass(frozen=True)
class SliceBorders:
    """Distances in mm from the axis to the borders in one slice, arrays of shape (361,) over `ANGLES`.

    Attributes:
        centre: Point (x, y) where the axis crosses the slice.
        cavity: Border of the left ventricle's blood pool, papillary muscles included; zero below the apex.
        wall: Outer border of the left ventricle's muscle.
        right: Outer border of the right ventricle's blood pool; equal to `wall` where there is none.
        taper: Decrease of the cavity's radius from one face of the slice to the other.
    """

    centre: np.ndarray
    cavity: np.ndarray
    wall: np.ndarray
    right: np.ndarray
    taper: float

    def points(self, border: str) -> np.ndarray:
        """Return a border as an open polygon.

        Args:
            border: "cavity" or "wall".

        Returns:
            Array of shape (360, 2), x and y in mm.
        """
        radius = getattr(self, border)[:-1, None]
        return self.centre + radius * np.stack([np.cos(ANGLES[:-1]), np.sin(ANGLES[:-1])], axis=1)


@dataclass(frozen=True)
class Heart:
    """A beating left ventricle with the right ventricle beside it; see `sample_heart`.

    Attributes:
        edv: End-diastolic volume of the cavity in mL.
        esv: End-systolic volume of the cavity in mL.
        ed_phase: Phase of the largest volume, from 0.
        es_phase: Phase of the smallest volume.
        length: Length of the cavity from base to apex at end-diastole.
        shortening: Fraction by which the length shrinks until end-systole. The base comes down, the apex stays.
        wall: Thickness of the wall halfway from base to apex, at end-diastole.
        bluntness: Exponent of the profile from base to apex. A larger one gives a blunter apex.
        waist: Fraction by which the base is narrowed.
        ripple: Complex amplitudes of the section's deviation from a circle, for 2, 3 and 4 waves around it.
        wall_ripple: Complex amplitudes of the wall's deviation from even thickness, for 1 and 2 waves around it.
        drift: Inclination of the axis, (x, y) in mm per mm of height.
        sway: Movement of the axis until end-systole, (x, y) in mm.
        twist: Rotation of the apex against the base until end-systole, in radians.
        right_depth: Largest width of the right ventricle.
        right_reach: Half the angle that the right ventricle spans around the left one, in radians.
        right_angle: Direction of the right ventricle from the axis, in radians.
    """

    edv: float
    esv: float
    ed_phase: int
    es_phase: int
    length: float
    shortening: float
    wall: float
    bluntness: float
    waist: float
    ripple: tuple[complex, ...]
    wall_ripple: tuple[complex, ...]
    drift: tuple[float, float]
    sway: tuple[float, float]
    twist: float
    right_depth: float
    right_reach: float
    right_angle: float

    def filling(self, phase: int) -> float:
        """Return the filling of the cavity: 1 at end-diastole, 0 at end-systole."""
        systole = (self.es_phase - self.ed_phase) % PHASES
        time = (phase - self.ed_phase) % PHASES
        if time <= systole:
            return 0.5 + 0.5 * np.cos(np.pi * time / systole)
        rest = (time - systole) / (PHASES - systole)  # rapid filling, a pause, atrial contraction
        return 0.74 * _smooth_step(rest / 0.55) + 0.08 * rest + 0.18 * _smooth_step((rest - 0.72) / 0.28)

    def volume(self, phase: int) -> float:
        """Return the volume of the whole cavity in mL, from base to apex."""
        return float(self.esv + (self.edv - self.esv) * self.filling(phase))

    def base(self, phase: int) -> float:
        """Return the height z of the base in mm: 0 at end-diastole, larger in systole."""
        return self.length * self.shortening * (1 - self.filling(phase))

    def slab_area(self, z: float, thickness: float, phase: int) -> float:
        """Return the area of the cavity's section in mm², averaged over a slab.

        Args:
            z: Height of the middle of the slab in mm.
            thickness: Thickness of the slab in mm.
            phase: The phase, from 0.

        Returns:
            The cavity's volume inside the slab divided by the slab's thickness.
        """
        low, high = (self._relative_height(z + side * thickness / 2, phase) for side in (-1, 1))
        share = (self._profile_sum(high) - self._profile_sum(low)) / self._profile_sum(1.0)
        return float(1000 * self.volume(phase) * share / thickness)

    def is_contoured(self, z: float, thickness: float, phase: int) -> bool:
        """Return whether a reader would contour a slab: it lies wholly between base and apex and is not too small."""
        inside = self.base(phase) <= z - thickness / 2 and z + thickness / 2 <= self.length
        return inside and self.slab_area(z, thickness, phase) > np.pi * 6.0**2

    def slice_borders(self, z: float, thickness: float, phase: int) -> SliceBorders:
        """Return the borders in a slice. The cavity's area is its mean over the slice's thickness.

        Args:
            z: Height of the middle of the slice in mm.
            thickness: Thickness of the slice in mm.
            phase: The phase, from 0.
        """
        contraction = 1 - self.filling(phase)
        turn = self.twist * contraction * (z / self.length - 0.4)
        cavity, taper = self._cavity_radius(z, thickness, phase)
        shape = 1 + (1 + 0.3 * contraction) * _waves(self.ripple, 2, z / 45, turn)
        shape /= np.sqrt(np.mean(shape[:-1] ** 2))  # keeps the area of the circle
        above = _smooth_step((z - self.base(phase) + 12) / 14)  # above the base lies the atrium, with a thin wall
        mean = max(self._wall_radius(z, thickness, phase) - cavity, 2.5) * above + 2.0 * (1 - above)
        wall = mean * (1 + _waves(self.wall_ripple, 1, z / 60, turn))
        outside = cavity * shape + np.maximum(wall, 1.5)
        return SliceBorders(
            centre=np.asarray(self.drift) * z + np.asarray(self.sway) * contraction,
            cavity=cavity * shape,
            wall=outside,
            right=outside + self._right_width(z, contraction),
            taper=taper,
        )

    def _relative_height(self, z: float, phase: int) -> float:
        """Return the height as a fraction of the cavity's length, 0 at the base and 1 at the apex."""
        base = self.base(phase)
        return float(np.clip((z - base) / (self.length - base), 0, 1))

    def _profile_sum(self, share: float) -> float:
        """Return the integral of the squared profile from the base to a fraction of the length."""
        return float(np.interp(share, *_profile_integral(self.bluntness, self.waist)))

    def _cavity_radius(self, z: float, thickness: float, phase: int) -> tuple[float, float]:
        """Return the radius of a circle with the slab's mean area, and its decrease from one face to the other."""
        low, high = (self._relative_height(z + side * thickness / 2, phase) for side in (-1, 1))
        scale = np.sqrt(1000 * self.volume(phase) / (np.pi * (self.length - self.base(phase)) * self._profile_sum(1)))
        if low >= 1:
            return 0.0, 0.0
        high = max(high, 0.02)  # the atrium above the base is as wide as the base
        mean_square = (self._profile_sum(high) - self._profile_sum(low)) / (high - low)
        faces = scale * np.sqrt(_profile(np.array([low, high]), self.bluntness, self.waist))
        covered = 1.0 if z < self.length - thickness / 2 else (self.length - z + thickness / 2) / thickness
        return scale * float(np.sqrt(mean_square * covered)), float(abs(faces[0] - faces[1]))

    def _wall_radius(self, z: float, thickness: float, phase: int) -> float:
        """Return the radius of the wall's outer border. The muscle's volume is the same in every phase."""
        cap = 0.8 * self.wall  # the wall of the apex is thinner
        middle = 0.45 * self.length
        square = _profile(np.array(0.45), self.bluntness, self.waist)
        cavity = np.sqrt(1000 * self.edv / (np.pi * self.length * self._profile_sum(1)) * square)
        share = middle / (self.length + cap)
        full = (cavity + self.wall) ** 2 / _profile(np.array(share), self.bluntness, self.waist)
        muscle = np.pi * full * (self.length + cap) * self._profile_sum(1) - 1000 * self.edv
        base = self.base(phase)
        cap *= 1 + 0.3 * (1 - self.filling(phase))
        length = self.length + cap - base
        full = (1000 * self.volume(phase) + muscle) / (np.pi * length * self._profile_sum(1))
        low, high = (np.clip((z + side * thickness / 2 - base) / length, 0, 1) for side in (-1, 1))
        if low >= 1:
            return 0.0
        high = max(high, 0.02)
        return float(np.sqrt(full * (self._profile_sum(high) - self._profile_sum(low)) / (high - low)))

    def _right_width(self, z: float, contraction: float) -> np.ndarray:
        """Return the width of the right ventricle outside the left one, in each direction."""
        share = np.clip((z + 0.2 * self.length) / (1.08 * self.length), 0, 1)
        depth = self.right_depth * np.sqrt(1 - share**2.4) * (1 - 0.34 * contraction)
        reach = self.right_reach * (1 - 0.35 * share)
        offset = np.angle(np.exp(1j * (ANGLES - self.right_angle)))
        # A corner at the diaphragm, a long taper towards the outflow tract.
        far, blunt = np.where(offset < 0, 0.85, 1.15) * reach, np.where(offset < 0, 3.5, 1.7)
        return depth * np.clip(1 - np.abs(offset / far) ** blunt, 0, None)


def sample_heart(rng: np.random.Generator, kind: str) -> Heart:
    """Draw a random heart.

    Args:
        rng: The random generator.
        kind: "healthy", "dilated", "hypertrophic" or "failing".

    Example:
        >>> heart = sample_heart(np.random.default_rng(0), "healthy")
        >>> heart.volume(heart.ed_phase) == heart.edv and 0.56 <= 1 - heart.esv / heart.edv <= 0.70
        True
    """
    volume, ejection, wall, aspect = (float(rng.uniform(*limits)) for limits in _HEARTS[kind])
    bluntness, waist = float(rng.uniform(2.0, 2.8)), float(rng.uniform(0.06, 0.18))
    integral = _profile_integral(bluntness, waist)[1][-1]
    radius = (1000 * volume / (2 * np.pi * aspect * integral)) ** (1 / 3)
    ripple = rng.normal(0, (0.035, 0.016, 0.009), (2, 3))
    wall_ripple = rng.normal(0, (0.09, 0.05), (2, 2))
    return Heart(
        edv=volume,
        esv=volume * (1 - ejection),
        ed_phase=int(rng.choice([18, 19, 0])),
        es_phase=int(rng.integers(6, 9)),
        length=float(2 * aspect * radius),
        shortening=float(0.2 * ejection * rng.uniform(0.8, 1.2)),
        wall=wall,
        bluntness=bluntness,
        waist=waist,
        ripple=tuple(complex(a, b) for a, b in ripple.T),
        wall_ripple=tuple(complex(a, b) for a, b in wall_ripple.T),
        drift=(float(rng.normal(0.02, 0.04)), float(rng.normal(-0.02, 0.04))),
        sway=(float(rng.normal(-1.5, 1.0)), float(rng.normal(1.0, 1.2))),
        twist=float(rng.uniform(0.1, 0.35)),
        right_depth=float(rng.uniform(25, 35)),
        right_reach=float(rng.uniform(1.15, 1.4)),
        right_angle=float(np.pi + rng.normal(0.0, 0.15)),
    )


def _smooth_step(x: float) -> float:
    """Return a smooth step from 0 at 0 to 1 at 1."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _waves(amplitudes: tuple[complex, ...], first: int, along: float, turn: float) -> np.ndarray:
    """Return a sum of waves around the axis, whose phase changes slowly with height."""
    terms = enumerate(amplitudes, first)
    return sum((a * np.exp(1j * (k * (ANGLES - turn) + along)) for k, a in terms), np.zeros(1)).real


def _profile(share: np.ndarray, bluntness: float, waist: float) -> np.ndarray:
    """Return the squared relative radius at a fraction of the way from base to apex."""
    return (1 - share**bluntness) * (1 - waist * (1 - share) ** 3) ** 2


@lru_cache(maxsize=64)
def _profile_integral(bluntness: float, waist: float) -> tuple[np.ndarray, np.ndarray]:
    """Return fractions of the length, and the integral of the squared profile up to each."""
    share = np.linspace(0, 1, 4001)
    middles = _profile((share[1:] + share[:-1]) / 2, bluntness, waist)
    return share, np.concatenate([[0], np.cumsum(middles) / 4000])
