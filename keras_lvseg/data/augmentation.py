"""Joint changes of image and label: what is changed is drawn here, once, for every pipeline that applies it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from keras_lvseg.data import columns
from keras_lvseg.data.fields import spline_step

# Control points of a cubic B-spline that move by less than 1/2.0464 of their distance cannot fold the plane: Choi
# and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", Graphical Models 62 (2000).
_UNFOLDED = 0.48


@dataclass(frozen=True)
class Augmentation:
    """Ranges that each image's change is drawn from, evenly.

    Args:
        rotation: Degrees either way.
        scale: Part by which the image may grow or shrink: 0.2 draws factors from 1/1.2 to 1.2.
        shift: Pixels either way, along rows and along columns.
        flip: Mirror every other image, on average.
        elastic: How far the points of a grid of 4 x 4 meshes over the image may move either way, along rows and
            along columns, as a part of a mesh's size: 0.2 is 13 pixels of 256. At most 0.48, where nothing can fold.
        contrast: As `scale`, for the factor that intensities are multiplied by.
        brightness: What may be added to the intensities, either way.
        gamma: As `scale`, for the power that intensities are raised to, from the image's lowest as 0 to its
            highest as 1.
        noise: The largest standard deviation of the normal noise that is added, in units of the intensities.
        shading: As `scale`, for factors that vary over the image as under a surface coil, counted from the image's
            lowest intensity on.
        crop: Rows and columns to keep about the centre once all else is done: what is turned and shifted into view is
            then what lay beside it, and no smeared border. None keeps the whole image.

    Raises:
        ValueError: A range is below 0 or not finite, `elastic` above 0.48, or `crop` below 1.

    Example:
        >>> changes = Augmentation(rotation=180, flip=True).draw(seed=1, epoch=0, count=5, image_size=(64, 64))
        >>> changes.shape
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
            raise ValueError(f"crop has to be 1 or more, or None. Received: crop={self.crop}")
        for name in (field.name for field in fields(self) if field.name != "crop"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise ValueError(f"{name} has to be 0 or more, and finite. Received: {name}={value}")
        if self.elastic > _UNFOLDED:
            raise ValueError(f"elastic has to be at most {_UNFOLDED}. Received: elastic={self.elastic}")

    def draw(self, seed: int, epoch: int, count: int, image_size: tuple[int, int]) -> np.ndarray:
        """Draw the changes of a whole epoch.

        Args:
            seed: With `epoch` and an image's index it decides that image's change, whatever `count` is.
            epoch: Index of the epoch.
            count: How many images there are.
            image_size: Rows and columns of an image.

        Returns:
            float32 array of shape (count, 125), see `keras_lvseg.data.columns`.
        """
        u = np.random.default_rng([seed, epoch]).uniform(-1, 1, (count, 7))
        # A stream of its own; Sampling's order has the third.
        v = np.random.default_rng([seed, epoch, 2]).uniform(-1, 1, (count, columns.COLUMNS - columns.GAMMA))
        gamma, noise, key, shading, elastic = np.split(v, np.cumsum([1, 1, 1, columns.SHADING_POINTS**2]), axis=1)
        mesh = [[spline_step(size, columns.ELASTIC_POINTS)] for size in image_size[::-1]]
        return np.column_stack(
            [
                self._matrices(u, image_size),
                (1 + self.contrast) ** u[:, 5],
                self.brightness * u[:, 6],
                (1 + self.gamma) ** gamma,
                self.noise * (noise + 1) / 2,
                np.floor((key + 1) * 2**23),  # 24 bits are what float32 holds
                np.log1p(self.shading) * shading,
                (self.elastic * elastic.reshape(count, 2, columns.ELASTIC_POINTS**2) * mesh).reshape(elastic.shape),
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
