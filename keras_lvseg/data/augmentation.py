"""Joint changes of image and label: what is changed is drawn here, once, for every pipeline that applies it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

COLUMNS = 8
"""A change is a row of 8 numbers: a 2 x 3 matrix by rows, contrast, brightness.

The matrix takes (x, y, 1) of a pixel of the changed image to the (x, y) that it is read from.
"""


@dataclass(frozen=True)
class Augmentation:
    """Ranges that each image's change is drawn from, evenly.

    Args:
        rotation: Degrees either way.
        scale: Part by which the image may grow or shrink: 0.2 draws factors from 1/1.2 to 1.2.
        shift: Pixels either way, along rows and along columns.
        flip: Mirror every other image, on average.
        contrast: As `scale`, for the factor that intensities are multiplied by.
        brightness: What may be added to the intensities, either way.

    Example:
        >>> changes = Augmentation(rotation=180, flip=True).draw(seed=1, epoch=0, count=5, image_size=(64, 64))
        >>> changes.shape
        (5, 8)
    """

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    flip: bool = False
    contrast: float = 0.0
    brightness: float = 0.0

    def draw(self, seed: int, epoch: int, count: int, image_size: tuple[int, int]) -> np.ndarray:
        """Draw the changes of a whole epoch.

        Args:
            seed: With `epoch` and an image's index it decides that image's change, whatever `count` is.
            epoch: Index of the epoch.
            count: How many images there are.
            image_size: Rows and columns of an image.

        Returns:
            float32 array of shape (count, 8), see `COLUMNS`.
        """
        u = np.random.default_rng([seed, epoch]).uniform(-1, 1, (count, 7))
        angle = np.deg2rad(self.rotation) * u[:, 0]
        scale = (1 + self.scale) ** u[:, 1]
        mirror = np.where(u[:, 4] < 0, -1.0, 1.0) if self.flip else np.ones(count)
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        linear = np.stack([cos * mirror, -sin, sin * mirror, cos], axis=-1).reshape(count, 2, 2)
        centre = (np.array(image_size[::-1]) - 1) / 2
        offset = centre + self.shift * u[:, 2:4] - linear @ centre
        matrix = np.concatenate([linear, offset[:, :, None]], axis=2).reshape(count, 6)
        contrast = (1 + self.contrast) ** u[:, 5]
        return np.column_stack([matrix, contrast, self.brightness * u[:, 6]]).astype(np.float32)


def apply_change(image: np.ndarray, label: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apply one drawn change to an image and its label.

    Args:
        image: float32 array of shape (H, W, 1); read bilinearly, its border repeated outside.
        label: Integer array of shape (H, W, 1); read from the nearest pixel, so that labels stay labels.
        change: A row of `Augmentation.draw`.

    Returns:
        Both, changed, in the same shapes and types.
    """
    matrix = change[:6].astype(float).reshape(2, 3)
    # SciPy counts rows first, the row of numbers x first.
    linear, offset = matrix[::-1, 1::-1], matrix[::-1, 2]

    def moved(array: np.ndarray, order: int) -> np.ndarray:
        return ndimage.affine_transform(array[..., 0], linear, offset, order=order, mode="nearest")[..., None]

    return moved(image, 1) * change[6] + change[7], moved(label, 0)
