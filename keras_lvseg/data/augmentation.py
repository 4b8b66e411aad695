"""Random parameters of data augmentation, drawn with NumPy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from keras_lvseg.errors import invalid_argument

# Columns of the array that `Augmentation.draw` returns.
MATRIX = slice(0, 6)
"""2 x 3 matrix by rows: maps (x, y, 1) of an augmented image's pixel to the source point (x, y)."""
CONTRAST, BRIGHTNESS, GAMMA, NOISE, NOISE_KEY = range(6, 11)
"""Factor, summand, exponent, standard deviation, and an integer below 2**24 that seeds the noise."""
SHADING_POINTS, ELASTIC_POINTS = 4, 7
"""Spline control points along each axis, see `spline_weights`."""
SHADING = slice(11, 11 + SHADING_POINTS**2)
"""Control values of the logarithm of the shading."""
ELASTIC = slice(SHADING.stop, SHADING.stop + 2 * ELASTIC_POINTS**2)
"""Control values of the displacement in x, then in y, in pixels. They are added before the matrix."""
PARAMETERS = ELASTIC.stop
"""Number of columns without a range of appearance."""
CURVE_POINTS = 8
CURVE = slice(PARAMETERS, PARAMETERS + CURVE_POINTS)
"""Values of the intensity curve at equally spaced intensities, 0 to 1 from the image's minimum to its maximum."""
DETAIL, DETAIL_SCALE = range(CURVE.stop, CURVE.stop + 2)
"""Factor of the details, and the standard deviation in pixels of the blur that they are finer than."""
FIELD = slice(DETAIL_SCALE + 1, DETAIL_SCALE + 5)
"""First and last row, first and last column of the field of view, in pixels of the source image."""
CAVITY = FIELD.stop
"""Relative magnification of the source image at the cavity's centre, minus 1: 1 draws the cavity at half its size."""
ALL_PARAMETERS = CAVITY + 1
"""Number of columns with a range of appearance."""

# Control points of a cubic B-spline that move by less than 1/2.0464 of their distance cannot fold the plane: Choi
# and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", Graphical Models 62 (2000).
_MAX_ELASTIC = 0.48
_MAX_CAVITY = 1.2  # the radial map of `augmentation_ops` is monotone below 1.25
_MAX_FIELD = 0.4
_DETAIL_SCALES = (0.7, 8.0)  # pixels: from sharpness to local contrast
_APPEARANCE = ("curve", "recolour", "detail", "field", "cavity")


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of random augmentation. Each image's parameters are drawn uniformly from them.

    Args:
        rotation: Degrees in either direction.
        scale: Largest relative change of size: 0.2 draws factors from 1/1.2 to 1.2.
        shift: Pixels in either direction, along rows and along columns.
        flip: Mirror the columns with probability 1/2.
        elastic: Largest displacement of the points of a grid of 4 x 4 meshes over the image, along rows and along
            columns, as a fraction of a mesh's size: 0.2 is 13 pixels of 256. At most 0.48, so that the image cannot
            fold.
        contrast: As `scale`, for the factor that intensities are multiplied by.
        brightness: Largest summand of the intensities, in either direction.
        gamma: As `scale`, for the exponent of the intensities, with the image's minimum as 0 and its maximum as 1.
        noise: Largest standard deviation of the normal noise, in units of the intensities.
        shading: As `scale`, for smooth factors over the image, as under a surface coil. They multiply the intensity
            above the image's minimum.
        crop: Side length of the central crop of the augmented image, in pixels. The rotated and shifted crop then
            shows the image beside it, not a repeated border. None keeps the whole image.
        curve: As `scale`, for the slope of a rising curve of intensities in each of seven equal ranges. The image keeps
            its mean and its standard deviation, here and in the next three.
        recolour: Probability of a curve of random values instead, from 0 to 1. Tissues then have any brightness.
        detail: As `scale`, for the contrast of details finer than a random scale, from 0.7 to 8 pixels: blur,
            sharpness, and local contrast.
        field: Largest part of the image's height or width to blank at each side, at most 0.4, as by a smaller field
            of view. Each side is blanked with probability 1/2. Labels there become background.
        cavity: As `scale`, for the size of the cavity (class 1) in its surroundings, at most 1.2: a smaller cavity has
            a thicker wall. Images without class 1 are not changed.

    Raises:
        ValueError: A range is below 0 or not finite, `elastic` is above 0.48, `field` above 0.4, `cavity` above 1.2,
            `recolour` above 1, or `crop` is below 1.

    Example:
        >>> augment = Augmentation(rotation=180, flip=True)
        >>> augment.draw(seed=1, epoch=0, count=5, image_size=(64, 64)).shape
        (5, 125)
    """

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    flip: bool = False
    elastic: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    gamma: float = 0.0
    noise: float = 0.0
    shading: float = 0.0
    crop: int | None = None
    curve: float = 0.0
    recolour: float = 0.0
    detail: float = 0.0
    field: float = 0.0
    cavity: float = 0.0

    def __post_init__(self) -> None:
        if self.crop is not None and self.crop < 1:
            raise invalid_argument("crop", self.crop, "an integer of 1 or more, or None")
        for name in (field.name for field in fields(self) if field.name != "crop"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise invalid_argument(name, value, "a finite number of 0 or more")
        limits = {"elastic": _MAX_ELASTIC, "recolour": 1, "field": _MAX_FIELD, "cavity": _MAX_CAVITY}
        for name, limit in limits.items():
            if getattr(self, name) > limit:
                raise invalid_argument(name, getattr(self, name), f"at most {limit}")

    def draw(self, seed: int, epoch: int, *, count: int, image_size: tuple[int, int]) -> np.ndarray:
        """Draw the parameters of one epoch.

        An image's parameters depend on `seed`, `epoch` and the image's index only, not on `count`. One range does not
        change the draws of the others.

        Args:
            seed: Seed of all epochs.
            epoch: Index of the epoch.
            count: Number of images.
            image_size: Rows and columns of an image.

        Returns:
            float32 array of shape (count, 125), or (count, 140) if a range from `curve` to `cavity` is above 0. The
            columns are constants of `keras_lvseg.data.augmentation`.
        """
        u = np.random.default_rng([seed, epoch]).uniform(-1, 1, (count, 7))
        # A separate stream. `Sampling` draws the order from [seed, epoch, 1].
        v = np.random.default_rng([seed, epoch, 2]).uniform(-1, 1, (count, PARAMETERS - GAMMA))
        gamma, noise, key, shading, elastic = np.split(v, np.cumsum([1, 1, 1, SHADING_POINTS**2]), axis=1)
        mesh = [[spline_step(size, ELASTIC_POINTS)] for size in image_size[::-1]]
        parameters = np.column_stack(
            [
                self._matrices(u, image_size),
                (1 + self.contrast) ** u[:, 5],
                self.brightness * u[:, 6],
                (1 + self.gamma) ** gamma,
                self.noise * (noise + 1) / 2,
                np.floor((key + 1) * 2**23),  # float32 holds integers of 24 bits exactly
                np.log1p(self.shading) * shading,
                (self.elastic * elastic.reshape(count, 2, ELASTIC_POINTS**2) * mesh).reshape(elastic.shape),
            ]
        )
        if any(getattr(self, name) for name in _APPEARANCE):
            rng = np.random.default_rng([seed, epoch, 3])
            parameters = np.column_stack([parameters, self._appearance(rng, count, image_size)])
        return parameters.astype(np.float32)

    def _appearance(self, rng: np.random.Generator, count: int, image_size: tuple[int, int]) -> np.ndarray:
        """Draw the columns from `CURVE` on."""
        # All of an image's numbers are in one row, so that they do not depend on `count`.
        u = rng.uniform(-1, 1, (count, 2 * CURVE_POINTS + 7))
        slopes, values, scalars, sides = np.split(u, np.cumsum([CURVE_POINTS - 1, CURVE_POINTS, 4]), axis=1)
        replaced, detail, scale, cavity = scalars.T
        rise = np.cumsum((1 + self.curve) ** slopes, axis=1)
        curve = np.column_stack([np.zeros(count), rise / rise[:, -1:]])
        curve = np.where(replaced[:, None] < 2 * self.recolour - 1, (values + 1) / 2, curve)
        finest, coarsest = np.log(_DETAIL_SCALES)
        size = np.repeat(image_size, 2)
        blanked = np.maximum(sides, 0) * self.field * size
        return np.column_stack(
            [
                curve,
                (1 + self.detail) ** detail,
                np.exp(finest + (coarsest - finest) * (scale + 1) / 2),
                np.where([True, False, True, False], blanked, size - 1 - blanked),
                (1 + self.cavity) ** cavity - 1,
            ]
        )

    def _matrices(self, u: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
        angle = np.deg2rad(self.rotation) * u[:, 0]
        scale = (1 + self.scale) ** u[:, 1]
        mirror = np.where(u[:, 4] < 0, -1.0, 1.0) if self.flip else np.ones(len(u))
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        linear = np.stack([cos * mirror, -sin, sin * mirror, cos], axis=-1).reshape(-1, 2, 2)
        centre = (np.array(image_size[::-1]) - 1) / 2
        offset = centre + self.shift * u[:, 2:4] - linear @ centre
        return np.concatenate([linear, offset[:, :, None]], axis=2).reshape(-1, 6)


@cache
def spline_weights(size: int, points: int) -> np.ndarray:
    """Return the weight of each control point of a uniform cubic B-spline at each pixel of an axis.

    The weights are not negative and sum to 1, so a field stays between its smallest and largest control value.

    Args:
        size: Pixels along the axis.
        points: Control points, at least 4. The first and the last are one step outside the image.

    Returns:
        float32 array of shape (size, points). `spline_weights(H, n) @ values @ spline_weights(W, n).T` is a field.

    Example:
        >>> spline_weights(5, 7)[2].round(3)
        array([0.   , 0.   , 0.167, 0.667, 0.167, 0.   , 0.   ], dtype=float32)
    """
    distances = np.abs(np.arange(size)[:, None] / spline_step(size, points) + 1 - np.arange(points))
    near, far = 2 / 3 - distances**2 + distances**3 / 2, (2 - distances) ** 3 / 6
    return np.where(distances < 1, near, np.where(distances < 2, far, 0)).astype(np.float32)


def spline_step(size: int, points: int) -> float:
    """Return the distance in pixels between two control points of `spline_weights`.

    Example:
        >>> spline_step(257, 7)
        64.0
    """
    return max(size - 1, 1) / (points - 3)
