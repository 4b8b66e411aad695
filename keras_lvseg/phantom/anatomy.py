"""The phantom's heart as a continuous shape: cavity, wall and right ventricle for any height and phase.

Lengths are in mm. The plane is seen as a reader sees a short-axis view: x to the right, y down, the origin
near the axis of the left ventricle, the right ventricle to the left. z runs along that axis from the base
(0 at end-diastole) towards the apex.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PHASES = 20
"""Frames of one heart beat."""

ANGLES = np.linspace(-np.pi, np.pi, 361)
"""Directions from the axis in which outlines are given, in radians; the first and the last are the same."""

_HEARTS = {  # ranges of: end-diastolic volume (mL), ejection fraction, wall (mm), length / diameter
    "healthy": ((105, 165), (0.56, 0.70), (7.5, 10.0), (1.65, 1.90)),
    "dilated": ((190, 290), (0.20, 0.36), (6.8, 9.0), (1.30, 1.50)),
    "hypertrophic": ((90, 140), (0.58, 0.70), (12.5, 18.0), (1.60, 1.85)),
    "failing": ((140, 210), (0.36, 0.54), (7.5, 10.5), (1.50, 1.75)),
}


KINDS = tuple(_HEARTS)
"""The hearts that `sample_heart` can draw."""


@dataclass(frozen=True)
class Outlines:
    """Distances from the axis to the edges of one slice, each of shape (361,) over `ANGLES`, in mm.

    Attributes:
        centre: Where the axis crosses the slice, (x, y).
        cavity: The left ventricle's blood pool, papillary muscles included; zero below the apex.
        wall: The outside of the left ventricle's muscle.
        right: The outside of the right ventricle's blood pool; equal to `wall` where there is none.
        taper: By how much the cavity narrows from one face of the slice to the other.
    """

    centre: np.ndarray
    cavity: np.ndarray
    wall: np.ndarray
    right: np.ndarray
    taper: float

    def points(self, edge: str) -> np.ndarray:
        """Give an edge as an open polygon.

        Args:
            edge: "cavity" or "wall".

        Returns:
            Array of shape (360, 2), x and y in mm.
        """
        radius = getattr(self, edge)[:-1, None]
        return self.centre + radius * np.stack([np.cos(ANGLES[:-1]), np.sin(ANGLES[:-1])], axis=1)


@dataclass(frozen=True)
class Heart:
    """A beating left ventricle with its right neighbour; see `sample_heart`.

    Attributes:
        edv: End-diastolic volume of the cavity in mL.
        esv: End-systolic volume in mL.
        ed_phase: The phase of the largest volume, from 0.
        es_phase: The phase of the smallest volume.
        length: Base to apex of the cavity at end-diastole.
        shortening: What the length loses by end-systole, as a share; the base comes down, the apex stays.
        wall: Thickness of the wall at mid-height at end-diastole.
        bluntness: Exponent of the profile from base to apex; larger is more like a bullet.
        waist: How much narrower the base is than the profile without it, as a share.
        ripple: Complex amplitudes of the section's departure from a circle, for 2, 3 and 4 waves around.
        thickness: Complex amplitudes of the wall's departure from even thickness, for 1 and 2 waves around.
        drift: How far the axis leans, (x, y) in mm per mm of height.
        sway: How far the axis moves by end-systole, (x, y) in mm.
        twist: How far the apex turns against the base by end-systole, in radians.
        right_depth: The largest width of the right ventricle.
        right_reach: Half the angle that it spans around the left one, in radians.
        right_angle: The direction in which it lies, in radians.
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
    thickness: tuple[complex, ...]
    drift: tuple[float, float]
    sway: tuple[float, float]
    twist: float
    right_depth: float
    right_reach: float
    right_angle: float

    def filling(self, phase: int) -> float:
        """How full the cavity is: 1 at end-diastole, 0 at end-systole."""
        systole = (self.es_phase - self.ed_phase) % PHASES
        time = (phase - self.ed_phase) % PHASES
        if time <= systole:
            return 0.5 + 0.5 * np.cos(np.pi * time / systole)
        rest = (time - systole) / (PHASES - systole)  # rapid filling, a pause, the atrium's kick
        return 0.74 * _ease(rest / 0.55) + 0.08 * rest + 0.18 * _ease((rest - 0.72) / 0.28)

    def volume(self, phase: int) -> float:
        """The volume of the whole cavity in mL, base to apex."""
        return float(self.esv + (self.edv - self.esv) * self.filling(phase))

    def base(self, phase: int) -> float:
        """Height z of the base in mm: 0 at end-diastole, larger in systole."""
        return self.length * self.shortening * (1 - self.filling(phase))

    def slab_area(self, z: float, height: float, phase: int) -> float:
        """The cavity's section in mm², averaged over a slab.

        Args:
            z: Height of the slab's middle in mm.
            height: The slab's thickness in mm.
            phase: The phase, from 0.

        Returns:
            The cavity's volume inside the slab divided by the slab's thickness.
        """
        low, high = (self._along(z + side * height / 2, phase) for side in (-1, 1))
        share = (self._within(high) - self._within(low)) / self._within(1.0)
        return float(1000 * self.volume(phase) * share / height)

    def holds(self, z: float, height: float, phase: int) -> bool:
        """Whether a slab lies wholly between base and apex, where a reader would draw a contour."""
        inside = self.base(phase) <= z - height / 2 and z + height / 2 <= self.length
        return inside and self.slab_area(z, height, phase) > np.pi * 6.0**2

    def outlines(self, z: float, height: float, phase: int) -> Outlines:
        """The edges as a slice of some thickness shows them: the cavity's area is the slab's mean.

        Args:
            z: Height of the slice's middle in mm.
            height: The slice's thickness in mm.
            phase: The phase, from 0.
        """
        squeeze = 1 - self.filling(phase)
        turn = self.twist * squeeze * (z / self.length - 0.4)
        cavity, taper = self._cavity_radius(z, height, phase)
        shape = 1 + (1 + 0.3 * squeeze) * _waves(self.ripple, 2, z / 45, turn)
        shape /= np.sqrt(np.mean(shape[:-1] ** 2))  # the area stays that of the circle
        above = _ease((z - self.base(phase) + 12) / 14)  # the wall ends at the base: the atrium's is thin
        mean = max(self._wall_radius(z, height, phase) - cavity, 2.5) * above + 2.0 * (1 - above)
        wall = mean * (1 + _waves(self.thickness, 1, z / 60, turn))
        outside = cavity * shape + np.maximum(wall, 1.5)
        return Outlines(
            centre=np.asarray(self.drift) * z + np.asarray(self.sway) * squeeze,
            cavity=cavity * shape,
            wall=outside,
            right=outside + self._right_width(z, squeeze),
            taper=taper,
        )

    def _along(self, z: float, phase: int) -> float:
        """Height as a share of the cavity's length, 0 to 1."""
        base = self.base(phase)
        return float(np.clip((z - base) / (self.length - base), 0, 1))

    def _within(self, share: float) -> float:
        """Integral of the squared profile from the base to a share of the length."""
        return float(np.interp(share, *_profile_integral(self.bluntness, self.waist)))

    def _cavity_radius(self, z: float, height: float, phase: int) -> tuple[float, float]:
        """Radius of the circle of the slab's mean section, and its loss from one face to the other."""
        low, high = (self._along(z + side * height / 2, phase) for side in (-1, 1))
        scale = np.sqrt(1000 * self.volume(phase) / (np.pi * (self.length - self.base(phase)) * self._within(1)))
        if low >= 1:
            return 0.0, 0.0
        high = max(high, 0.02)  # above the base goes on as at the base: the atrium
        mean_square = (self._within(high) - self._within(low)) / (high - low)
        faces = scale * np.sqrt(_profile(np.array([low, high]), self.bluntness, self.waist))
        covered = 1.0 if z < self.length - height / 2 else (self.length - z + height / 2) / height
        return scale * float(np.sqrt(mean_square * covered)), float(abs(faces[0] - faces[1]))

    def _wall_radius(self, z: float, height: float, phase: int) -> float:
        """Radius of the wall's outside; the muscle's volume is the same in every phase."""
        cap = 0.8 * self.wall  # the apex' wall is thinner
        middle = 0.45 * self.length
        square = _profile(np.array(0.45), self.bluntness, self.waist)
        cavity = np.sqrt(1000 * self.edv / (np.pi * self.length * self._within(1)) * square)
        share = middle / (self.length + cap)
        full = (cavity + self.wall) ** 2 / _profile(np.array(share), self.bluntness, self.waist)
        muscle = np.pi * full * (self.length + cap) * self._within(1) - 1000 * self.edv
        base = self.base(phase)
        cap *= 1 + 0.3 * (1 - self.filling(phase))
        length = self.length + cap - base
        full = (1000 * self.volume(phase) + muscle) / (np.pi * length * self._within(1))
        low, high = (np.clip((z + side * height / 2 - base) / length, 0, 1) for side in (-1, 1))
        if low >= 1:
            return 0.0
        high = max(high, 0.02)
        return float(np.sqrt(full * (self._within(high) - self._within(low)) / (high - low)))

    def _right_width(self, z: float, squeeze: float) -> np.ndarray:
        """Width of the right ventricle over the left one's outside, in each direction."""
        share = np.clip((z + 0.2 * self.length) / (1.08 * self.length), 0, 1)
        depth = self.right_depth * np.sqrt(1 - share**2.4) * (1 - 0.34 * squeeze)
        reach = self.right_reach * (1 - 0.35 * share)
        offset = np.angle(np.exp(1j * (ANGLES - self.right_angle)))
        # A corner on the diaphragm's side, a long taper towards the outflow tract.
        far, blunt = np.where(offset < 0, 0.85, 1.15) * reach, np.where(offset < 0, 3.5, 1.7)
        return depth * np.clip(1 - np.abs(offset / far) ** blunt, 0, None)


def sample_heart(rng: np.random.Generator, kind: str) -> Heart:
    """Draw a heart.

    Args:
        rng: Where the choices come from.
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
    thickness = rng.normal(0, (0.09, 0.05), (2, 2))
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
        thickness=tuple(complex(a, b) for a, b in thickness.T),
        drift=(float(rng.normal(0.02, 0.04)), float(rng.normal(-0.02, 0.04))),
        sway=(float(rng.normal(-1.5, 1.0)), float(rng.normal(1.0, 1.2))),
        twist=float(rng.uniform(0.1, 0.35)),
        right_depth=float(rng.uniform(25, 35)),
        right_reach=float(rng.uniform(1.15, 1.4)),
        right_angle=float(np.pi + rng.normal(0.0, 0.15)),
    )


def _ease(x: float) -> float:
    """A smooth step from 0 at 0 to 1 at 1."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _waves(amplitudes: tuple[complex, ...], first: int, along: float, turn: float) -> np.ndarray:
    """A sum of waves around the axis that slowly turn with height."""
    terms = enumerate(amplitudes, first)
    return sum((a * np.exp(1j * (k * (ANGLES - turn) + along)) for k, a in terms), np.zeros(1)).real


def _profile(share: np.ndarray, bluntness: float, waist: float) -> np.ndarray:
    """Squared radius, relative, at a share of the way from base to apex."""
    return (1 - share**bluntness) * (1 - waist * (1 - share) ** 3) ** 2


@lru_cache(maxsize=64)
def _profile_integral(bluntness: float, waist: float) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the length and the integral of the squared profile up to each."""
    share = np.linspace(0, 1, 4001)
    middles = _profile((share[1:] + share[:-1]) / 2, bluntness, waist)
    return share, np.concatenate([[0], np.cumsum(middles) / 4000])
