"""Preprocessing of a frame's stored pixels into a network's input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Literal

import numpy as np

from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.studies.frame import Frame

Intensity = Literal["zscore", "course"] | None | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Preprocessing:
    """Grid and intensities of a network's input.

    Args:
        image_size: Rows and columns of the input, cropped or padded about the frame's centre.
        pixel_spacing: mm to resample to first. None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as
            stored), or a function of one image.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> preprocessing = Preprocessing((2, 2), intensity=None)
        >>> grid = preprocessing.grid_for((4, 4), (1.4, 1.4))
        >>> preprocessing.image(np.arange(16).reshape(4, 4), grid)
        array([[ 5.,  6.],
               [ 9., 10.]], dtype=float32)
    """

    image_size: tuple[int, int] = (256, 256)
    pixel_spacing: float | None = None
    _: KW_ONLY
    intensity: Intensity = "zscore"

    def __post_init__(self) -> None:
        whole = all(isinstance(size, Integral) and size > 0 for size in self.image_size)
        if len(self.image_size) != 2 or not whole:
            raise invalid_argument("image_size", self.image_size, "two integers above 0, rows and columns")
        if self.pixel_spacing is not None and not 0 < self.pixel_spacing < np.inf:
            raise invalid_argument("pixel_spacing", self.pixel_spacing, "a finite number of mm above 0, or None")
        if not (self.intensity in ("zscore", "course", None) or callable(self.intensity)):
            raise invalid_argument("intensity", self.intensity, "'zscore', 'course', None or a function")

    def grid(self, frame: Frame) -> NetworkGrid:
        """Return the network's grid in a frame.

        Args:
            frame: The frame.

        Raises:
            DataError: `pixel_spacing` is given and the frame's own is unknown.
        """
        if self.pixel_spacing is not None and np.isnan(frame.pixel_spacing).any():
            raise DataError(frame.path, "has no pixel spacing", expected="a spacing, or `pixel_spacing` None")
        return self.grid_for(frame.shape, frame.pixel_spacing)

    def grid_for(self, shape: tuple[int, int], spacing: tuple[float, float]) -> NetworkGrid:
        """Return the network's grid in an image.

        Args:
            shape: Rows and columns of the image.
            spacing: mm between its rows and between its columns.
        """
        return NetworkGrid(shape, spacing, self.image_size, self.pixel_spacing)

    def image(self, pixels: np.ndarray, grid: NetworkGrid) -> np.ndarray:
        """Bring stored pixels to the network's grid and intensities.

        Args:
            pixels: Array of the grid's native shape.
            grid: The network's grid, from `grid`.

        Returns:
            float32 array of `image_size`.

        Raises:
            ValueError: A function as `intensity` changed the image's shape.
        """
        if self.intensity == "zscore":
            # Scaled to 0 to 1 first: padding is then black for every unit and offset, and no unit under- or overflows.
            low, high = float(pixels.min()), float(pixels.max())
            image = grid.to_network(((pixels - low) / ((high - low) or 1.0)).astype(np.float32))
            return self.normalize(image)
        image = grid.to_network(pixels).astype(np.float32)
        if self.intensity == "course":
            return image / 1024
        if callable(self.intensity):
            result = np.asarray(self.intensity(image), dtype=np.float32)
            if result.shape != image.shape:
                expected = f"a function that keeps the shape {image.shape}, not one that gives {result.shape}"
                raise invalid_argument("intensity", self.intensity, expected)
            return result
        return image

    def normalize(self, part: np.ndarray) -> np.ndarray:
        """Give a part of an image the intensities of a whole one: with "zscore", mean 0 and standard deviation 1.

        Args:
            part: A part of a result of `image`.

        Returns:
            Array of the same shape; with other intensities than "zscore", the part.

        Example:
            >>> Preprocessing().normalize(np.array([1.0, 3.0]))
            array([-1.,  1.])
        """
        return (part - part.mean()) / max(part.std(), 1e-6) if self.intensity == "zscore" else part
