"""Images of the phantom: the beating heart painted over the body, then the acquisition."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.fft

from keras_lvseg.phantom.anatomy import ANGLES, Heart, SliceBorders
from keras_lvseg.phantom.body import FAT, Body
from keras_lvseg.phantom.texture import cover, paint

SIZE = 256
"""Rows and columns of a phantom frame."""


@dataclass(frozen=True)
class Placement:
    """Position of the plane of the anatomy in the image.

    Attributes:
        centre: Pixel (column, row) of the origin of the plane.
        angle: Rotation of the anatomy in the image, in radians.
        spacing: Width of a pixel in mm.
    """

    centre: tuple[float, float]
    angle: float
    spacing: float

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Convert points in mm, shape (n, 2), to zero-based pixel centres (column, row)."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.asarray(points) @ np.array([[c, s], [-s, c]]) / self.spacing + self.centre

    def pixel_positions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of each pixel in mm."""
        column = (np.arange(SIZE)[None, :] - self.centre[0]) * self.spacing
        row = (np.arange(SIZE)[:, None] - self.centre[1]) * self.spacing
        c, s = np.cos(self.angle), np.sin(self.angle)
        return c * column + s * row, c * row - s * column


@dataclass(frozen=True)
class Scanner:
    """Acquisition of a patient's images, and details of the heart that only images show.

    Attributes:
        blood: Counts of blood at the origin.
        noise: Standard deviation of the noise in counts, in each of the two channels.
        muscle: Signal of the heart's muscle.
        trabeculae: Radial depth in mm of the rough edge of the cavity.
        papillary: Papillary muscles: directions in radians, and radii in mm.
        fat: Thickness in mm of the heart's fat: in the groove above the right ventricle, in the groove below it, over
            it, and elsewhere.
        filter: Transmission of the reconstruction at each spatial frequency, shape (SIZE, SIZE).
        field_of_view: True where the image is not blanked, shape (SIZE, SIZE).
    """

    blood: float
    noise: float
    muscle: float
    trabeculae: float
    papillary: tuple[tuple[float, float], ...]
    fat: tuple[float, float, float, float]
    filter: np.ndarray = field(repr=False)
    field_of_view: np.ndarray = field(repr=False)

    def fat_around(self, heart: Heart) -> np.ndarray:
        """Return the thickness of the heart's fat in mm over `ANGLES`, largest where the two ventricles meet."""
        above, under, over, elsewhere = self.fat
        offset = np.angle(np.exp(1j * (ANGLES - heart.right_angle)))
        grooves = [
            depth * np.exp(-(((offset - side * heart.right_reach) / 0.3) ** 2))
            for depth, side in ((above, 1), (under, -1))
        ]
        return np.sum(grooves, axis=0) + np.where(np.abs(offset) < heart.right_reach, over, elsewhere)


def sample_scanner(rng: np.random.Generator, sideways: bool) -> Scanner:
    """Draw a random scanner.

    Args:
        rng: The random generator.
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
        field_of_view=_field_of_view(rng),
    )


@dataclass(frozen=True)
class SliceBackground:
    """The parts of one slice that are the same in every phase.

    Attributes:
        body: The slice without the heart, signed signals of shape (SIZE, SIZE).
        room: Fraction of each pixel inside the chest wall, where the heart can be.
        shading: Sensitivity of the coils, shape (SIZE, SIZE).
        x: x of each pixel in mm.
        y: y of each pixel in mm.
        z: Height of the slice in mm.
    """

    body: np.ndarray
    room: np.ndarray
    shading: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: float


def render_background(body: Body, placement: Placement, z: float, thickness: float) -> SliceBackground:
    """Render the parts of a slice that do not move, at height z, `thickness` thick (both in mm)."""
    x, y = placement.pixel_positions()
    canvas, room = body.render(x, y, z, placement.spacing, 0.33 * thickness)
    return SliceBackground(canvas, room, body.shading(x, y, z), x, y, z)


def acquire_frame(
    background: SliceBackground,
    heart: Heart,
    body: Body,
    scanner: Scanner,
    thickness: float,
    phase: int,
    spacing: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Acquire one frame.

    Args:
        background: The slice without the heart.
        heart: The heart, painted over the slice.
        body: The body, for its textures.
        scanner: The acquisition.
        thickness: Thickness of the slice in mm.
        phase: The phase, from 0.
        spacing: Width of a pixel in mm.
        rng: The random generator of the noise.

    Returns:
        Counts, int16 of shape (SIZE, SIZE), never negative.
    """
    canvas = background.body.copy()
    borders = heart.slice_borders(background.z, thickness, phase)
    _paint_heart(canvas, background, heart, borders, body, scanner, phase, spacing)
    spectrum = scipy.fft.fft2(canvas * background.shading * scanner.blood)
    noise = rng.standard_normal((2, SIZE, SIZE)) * (scanner.noise * SIZE)
    spectrum += noise[0] + 1j * noise[1]
    image = np.abs(scipy.fft.ifft2(spectrum * scanner.filter))
    return np.rint(np.where(scanner.field_of_view, image, 0)).astype(np.int16)


def _paint_heart(
    canvas: np.ndarray,
    background: SliceBackground,
    heart: Heart,
    borders: SliceBorders,
    body: Body,
    scanner: Scanner,
    phase: int,
    pixel: float,
) -> None:
    """Paint the heart over the body, in place."""
    if borders.wall.max() < 2.5:
        return
    free = np.where(borders.right > borders.wall + 0.5, borders.right + 1.6, borders.wall)
    fat = free + scanner.fat_around(heart)
    x, y = background.x - borders.centre[0], background.y - borders.centre[1]
    near = x * x + y * y < (fat.max() + 2 * pixel) ** 2
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x, y, part = x[box], y[box], canvas[box].copy()
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    middle, fine = (body.texture.at(grain, background.z)[box] for grain in (1, 2))
    coarse = body.texture.at(0, background.z + 6.0 * phase)[box]

    def edge(r: np.ndarray) -> np.ndarray:
        return radius - np.interp(angle, ANGLES, r)

    share = float(np.clip(background.z / heart.length, 0, 1))
    contraction = 1 - heart.filling(phase)
    muscle = scanner.muscle * (1 + 0.12 * fine + 0.12 * middle + 0.08 * coarse)
    blood = 1 + 0.09 * coarse + 0.05 * middle + 0.05 * fine
    paint(part, cover(edge(fat) + 1.5 * coarse + 0.7 * middle, 2 * pixel), FAT * (0.75 + 0.12 * middle))
    paint(part, cover(edge(free), 2 * pixel), muscle)
    paint(part, cover(edge(borders.right), 2 * pixel), blood - 0.4 * np.clip(middle + 0.6 * fine - 0.5, 0, 1.5))
    paint(part, cover(edge(borders.wall), max(1.5 * pixel, borders.taper)), muscle)
    inside = edge(borders.cavity)
    depth = min(scanner.trabeculae * (0.2 + share), 0.2 * borders.cavity.mean())
    rough = depth * np.clip(0.45 + 0.4 * fine + 0.6 * middle, 0, 2)
    if borders.cavity.max() > 1:
        paint(part, cover(inside + rough, max(2.5 * pixel, borders.taper)), blood)
    if background.z < heart.base(phase) - 2:  # the aorta leaves the left ventricle above the right one
        turned = heart.right_angle + 0.5 * heart.right_reach
        reach = 0.8 * borders.wall.mean()
        root = np.hypot(x - reach * np.cos(turned), y - reach * np.sin(turned)) - 13.0 - 1.5 * coarse
        paint(part, cover(root - 2.0, pixel), muscle)
        paint(part, cover(root, 1.5 * pixel), blood)
    if 0.2 < share < 0.85:
        size = np.sin(np.pi * (share - 0.2) / 0.65)
        for direction, r in scanner.papillary:
            turned = direction + heart.twist * contraction * (share - 0.4)
            reach = np.interp(turned, ANGLES, borders.cavity) - 0.8 * r
            blob = np.hypot(x - reach * np.cos(turned), y - reach * np.sin(turned)) - r * (0.6 + 0.4 * size)
            blob += r * (0.25 * fine + 0.2 * middle)
            paint(part, cover(np.maximum(blob, inside), 2 * pixel) * size**0.5, muscle)
    canvas[box] += background.room[box] * (part - canvas[box])


def _reconstruction(sideways: bool) -> np.ndarray:
    """Return the transmission of a 224 x 160 acquisition at each spatial frequency, with soft ends."""
    full = np.abs(scipy.fft.fftfreq(SIZE)) * 2
    fine, rough = (1 / (1 + np.exp((full - end) / 0.04)) for end in (0.84, 0.66))
    return np.outer(fine, rough) if sideways else np.outer(rough, fine)


def _field_of_view(rng: np.random.Generator) -> np.ndarray:
    """Draw a random field of view: a circle, or a square with sides bent by the correction of the gradients."""
    row, column = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    if rng.random() < 0.6:
        return np.hypot(row, column) < SIZE * rng.uniform(0.42, 0.44)
    return np.abs(column) < SIZE * (rng.uniform(0.43, 0.46) + rng.uniform(0.16, 0.24) * (row / SIZE) ** 2)
