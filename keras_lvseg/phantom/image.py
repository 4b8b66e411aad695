"""Phantom frames as a scanner gives them: the beating heart painted over the body, then the acquisition."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.fft

from keras_lvseg.phantom.anatomy import ANGLES, Heart, Outlines
from keras_lvseg.phantom.body import FAT, Body
from keras_lvseg.phantom.texture import cover, paint

SIZE = 256
"""Rows and columns of a phantom frame."""


@dataclass(frozen=True)
class Placement:
    """Where the plane of the anatomy lies in the image.

    Attributes:
        centre: The pixel (column, row) of the plane's origin.
        angle: Rotation of the anatomy in the image, in radians.
        spacing: Width of a pixel in mm.
    """

    centre: tuple[float, float]
    angle: float
    spacing: float

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Turn points in mm, shape (n, 2), into zero-based pixel centres (column, row)."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.asarray(points) @ np.array([[c, s], [-s, c]]) / self.spacing + self.centre

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Each pixel's x and y in mm."""
        column = (np.arange(SIZE)[None, :] - self.centre[0]) * self.spacing
        row = (np.arange(SIZE)[:, None] - self.centre[1]) * self.spacing
        c, s = np.cos(self.angle), np.sin(self.angle)
        return c * column + s * row, c * row - s * column


@dataclass(frozen=True)
class Scanner:
    """How a patient's frames are taken.

    Attributes:
        blood: Counts that blood at the origin gives.
        noise: Standard deviation of the noise in counts, in each of the two channels.
        filter: What the reconstruction keeps of each spatial frequency, shape (SIZE, SIZE).
        seen: Where the image is not blanked, shape (SIZE, SIZE).
        muscle: Signal of the heart's muscle.
        trabeculae: Radial depth in mm of the cavity's rough edge.
        papillary: Papillary muscles: directions in radians, and radii in mm.
        fat: Thickness in mm of the heart's fat: in the groove above the right ventricle, in the one below
            it, over it, and elsewhere.
    """

    blood: float
    noise: float
    muscle: float
    trabeculae: float
    papillary: tuple[tuple[float, float], ...]
    fat: tuple[float, float, float, float]
    filter: np.ndarray = field(repr=False)
    seen: np.ndarray = field(repr=False)

    def fat_around(self, heart: Heart) -> np.ndarray:
        """Thickness of the heart's fat in mm over `ANGLES`: most of it where the two ventricles meet."""
        above, under, over, elsewhere = self.fat
        offset = np.angle(np.exp(1j * (ANGLES - heart.right_angle)))
        grooves = [
            depth * np.exp(-(((offset - side * heart.right_reach) / 0.3) ** 2))
            for depth, side in ((above, 1), (under, -1))
        ]
        return np.sum(grooves, axis=0) + np.where(np.abs(offset) < heart.right_reach, over, elsewhere)


def sample_scanner(rng: np.random.Generator, sideways: bool) -> Scanner:
    """Draw a scanner and the fine points of the heart that only the image shows.

    Args:
        rng: Where the choices come from.
        spacing: Width of a pixel in mm.
        sideways: Whether phase encoding runs along the rows.
    """
    blood = float(rng.uniform(140, 300))
    above, under, over, elsewhere = rng.uniform((3, 3, 1, -1), (9, 9, 6, 2))
    return Scanner(
        blood=blood,
        noise=blood * float(rng.uniform(0.02, 0.038)),
        muscle=float(rng.uniform(0.27, 0.42)),
        trabeculae=float(rng.uniform(2.2, 4.2)),
        papillary=tuple((float(angle + rng.normal(0, 0.15)), float(rng.uniform(3.6, 6.0))) for angle in (-0.9, 0.95)),
        fat=(float(above), float(under), float(over), float(elsewhere)),
        filter=_reconstruction(sideways),
        seen=_field_of_view(rng),
    )


@dataclass(frozen=True)
class SliceScene:
    """One slice of a patient, ready to be taken in any phase.

    Attributes:
        body: The slice without the heart, signed signals of shape (SIZE, SIZE).
        shading: Sensitivity of the coils, shape (SIZE, SIZE).
        room: Share of each pixel inside the chest's wall, where the heart can be.
        x: Each pixel's x in mm.
        y: Each pixel's y in mm.
        z: Height of the slice in mm.
    """

    body: np.ndarray
    room: np.ndarray
    shading: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: float


def prepare_slice(body: Body, placement: Placement, z: float, height: float) -> SliceScene:
    """Render what does not move of a slice at height z, `height` thick; both in mm."""
    x, y = placement.grid()
    canvas, room = body.render(x, y, z, placement.spacing, 0.33 * height)
    return SliceScene(canvas, room, body.shading(x, y, z), x, y, z)


def take_frame(
    scene: SliceScene,
    heart: Heart,
    body: Body,
    scanner: Scanner,
    height: float,
    phase: int,
    spacing: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Take one frame.

    Args:
        scene: The slice.
        heart: The heart, painted over the slice.
        body: Gives the textures.
        scanner: Gives the acquisition.
        height: Thickness of the slice in mm.
        phase: The phase, from 0.
        spacing: Width of a pixel in mm.
        rng: Where the noise comes from.

    Returns:
        Counts, int16 of shape (SIZE, SIZE), never negative.
    """
    canvas = scene.body.copy()
    edges = heart.outlines(scene.z, height, phase)
    _paint_heart(canvas, scene, heart, edges, body, scanner, phase, spacing)
    spectrum = scipy.fft.fft2(canvas * scene.shading * scanner.blood)
    noise = rng.standard_normal((2, SIZE, SIZE)) * (scanner.noise * SIZE)
    spectrum += noise[0] + 1j * noise[1]
    image = np.abs(scipy.fft.ifft2(spectrum * scanner.filter))
    return np.rint(np.where(scanner.seen, image, 0)).astype(np.int16)


def _paint_heart(
    canvas: np.ndarray,
    scene: SliceScene,
    heart: Heart,
    edges: Outlines,
    body: Body,
    scanner: Scanner,
    phase: int,
    pixel: float,
) -> None:
    """Paint the heart over the body, in place."""
    if edges.wall.max() < 2.5:
        return
    free = np.where(edges.right > edges.wall + 0.5, edges.right + 1.6, edges.wall)
    fat = free + scanner.fat_around(heart)
    x, y = scene.x - edges.centre[0], scene.y - edges.centre[1]
    near = x * x + y * y < (fat.max() + 2 * pixel) ** 2
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x, y, part = x[box], y[box], canvas[box].copy()
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    middle, fine = (body.texture.at(grain, scene.z)[box] for grain in (1, 2))
    coarse = body.texture.at(0, scene.z + 6.0 * phase)[box]

    def edge(r: np.ndarray) -> np.ndarray:
        return radius - np.interp(angle, ANGLES, r)

    share = float(np.clip(scene.z / heart.length, 0, 1))
    squeeze = 1 - heart.filling(phase)
    muscle = scanner.muscle * (1 + 0.12 * fine + 0.12 * middle + 0.08 * coarse)
    blood = 1 + 0.09 * coarse + 0.05 * middle + 0.05 * fine
    paint(part, cover(edge(fat) + 1.5 * coarse + 0.7 * middle, 2 * pixel), FAT * (0.75 + 0.12 * middle))
    paint(part, cover(edge(free), 2 * pixel), muscle)
    paint(part, cover(edge(edges.right), 2 * pixel), blood - 0.4 * np.clip(middle + 0.6 * fine - 0.5, 0, 1.5))
    paint(part, cover(edge(edges.wall), max(1.5 * pixel, edges.taper)), muscle)
    inside = edge(edges.cavity)
    depth = min(scanner.trabeculae * (0.2 + share), 0.2 * edges.cavity.mean())
    rough = depth * np.clip(0.45 + 0.4 * fine + 0.6 * middle, 0, 2)
    if edges.cavity.max() > 1:
        paint(part, cover(inside + rough, max(2.5 * pixel, edges.taper)), blood)
    if scene.z < heart.base(phase) - 2:  # the aorta leaves the ventricle towards the upper right one
        turned = heart.right_angle + 0.5 * heart.right_reach
        reach = 0.8 * edges.wall.mean()
        root = np.hypot(x - reach * np.cos(turned), y - reach * np.sin(turned)) - 13.0 - 1.5 * coarse
        paint(part, cover(root - 2.0, pixel), muscle)
        paint(part, cover(root, 1.5 * pixel), blood)
    if 0.2 < share < 0.85:
        size = np.sin(np.pi * (share - 0.2) / 0.65)
        for direction, r in scanner.papillary:
            turned = direction + heart.twist * squeeze * (share - 0.4)
            reach = np.interp(turned, ANGLES, edges.cavity) - 0.8 * r
            blob = np.hypot(x - reach * np.cos(turned), y - reach * np.sin(turned)) - r * (0.6 + 0.4 * size)
            blob += r * (0.25 * fine + 0.2 * middle)
            paint(part, cover(np.maximum(blob, inside), 2 * pixel) * size**0.5, muscle)
    canvas[box] += scene.room[box] * (part - canvas[box])


def _reconstruction(sideways: bool) -> np.ndarray:
    """The spatial frequencies that a 224 x 160 acquisition fills, softened at their end."""
    full = np.abs(scipy.fft.fftfreq(SIZE)) * 2
    fine, rough = (1 / (1 + np.exp((full - end) / 0.04)) for end in (0.84, 0.66))
    return np.outer(fine, rough) if sideways else np.outer(rough, fine)


def _field_of_view(rng: np.random.Generator) -> np.ndarray:
    """Where pixels are left: a circle, or a square whose sides the gradients' correction has bent."""
    row, column = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    if rng.random() < 0.6:
        return np.hypot(row, column) < SIZE * rng.uniform(0.42, 0.44)
    return np.abs(column) < SIZE * (rng.uniform(0.43, 0.46) + rng.uniform(0.16, 0.24) * (row / SIZE) ** 2)
