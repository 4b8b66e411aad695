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
"""Number of columns."""

# Control points of a cubic B-spline that move by less than 1/2.0464 of their distance cannot fold the plane: Choi
# and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", Graphical Models 62 (2000).
_MAX_ELASTIC = 0.48


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

    Raises:
        ValueError: A range is below 0 or not finite, `elastic` is above 0.48, or `crop` is below 1.

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

    def __post_init__(self) -> None:
        if self.crop is not None and self.crop < 1:
            raise invalid_argument("crop", self.crop, "an integer of 1 or more, or None")
        for name in (field.name for field in fields(self) if field.name != "crop"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise invalid_argument(name, value, "a finite number of 0 or more")
        if self.elastic > _MAX_ELASTIC:
            raise invalid_argument("elastic", self.elastic, f"at most {_MAX_ELASTIC}")

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
            float32 array of shape (count, 125). The columns are constants of `keras_lvseg.data.augmentation`.
        """
        u = np.random.default_rng([seed, epoch]).uniform(-1, 1, (count, 7))
        # A separate stream. `Sampling` draws the order from [seed, epoch, 1].
        v = np.random.default_rng([seed, epoch, 2]).uniform(-1, 1, (count, PARAMETERS - GAMMA))
        gamma, noise, key, shading, elastic = np.split(v, np.cumsum([1, 1, 1, SHADING_POINTS**2]), axis=1)
        mesh = [[spline_step(size, ELASTIC_POINTS)] for size in image_size[::-1]]
        return np.column_stack(
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
        ).astype(np.float32)

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
