"""From a frame's stored pixels to what a network is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Literal

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.studies.frame import Frame

Intensity = Literal["zscore", "course"] | None | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Preprocessing:
    """How a frame becomes an input: which grid, which intensities.

    Args:
        image_size: Rows and columns that the network is given, cut or padded about the frame's centre.
        pixel_spacing: mm to resample to first; None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as
            stored), or a function of one image.

    Raises:
        ValueError: An argument is out of its range.
    """

    image_size: tuple[int, int] = (256, 256)
    pixel_spacing: float | None = None
    _: KW_ONLY
    intensity: Intensity = "zscore"

    def __post_init__(self) -> None:
        whole = all(isinstance(size, Integral) and size > 0 for size in self.image_size)
        if len(self.image_size) != 2 or not whole:
            raise ValueError(f"image_size has to be rows and columns. Received: image_size={self.image_size}")
        if self.pixel_spacing is not None and not 0 < self.pixel_spacing < np.inf:
            raise ValueError(f"pixel_spacing has to be mm above 0. Received: pixel_spacing={self.pixel_spacing}")
        if not (self.intensity in ("zscore", "course", None) or callable(self.intensity)):
            choices = "'zscore', 'course', None or a function"
            raise ValueError(f"intensity has to be {choices}. Received: intensity={self.intensity!r}")

    def grid(self, frame: Frame) -> NetworkGrid:
        """The network's grid in a frame.

        Raises:
            DataError: `pixel_spacing` asks for a resampling, and the frame does not tell its own spacing.
        """
        if self.pixel_spacing is not None and np.isnan(frame.pixel_spacing).any():
            raise DataError(frame.path, "does not tell the pixel spacing", "pixel_spacing has to be None for it")
        return self.grid_in(frame.shape, frame.pixel_spacing)

    def grid_in(self, shape: tuple[int, int], spacing: tuple[float, float]) -> NetworkGrid:
        """The network's grid in an image of so many rows and columns, and mm between them."""
        return NetworkGrid(shape, spacing, self.image_size, self.pixel_spacing)

    def image(self, pixels: np.ndarray, grid: NetworkGrid) -> np.ndarray:
        """Bring stored pixels to the network's grid and intensities.

        Args:
            pixels: Array of the grid's native shape.
            grid: From `grid`.

        Returns:
            float32 array of `image_size`.
        """
        if self.intensity == "zscore":
            # Counted from the darkest pixel and in parts of the range, so that a padded border is black whatever the
            # file's unit and offset are, and no unit is too large or too small to compute in.
            low, high = float(pixels.min()), float(pixels.max())
            image = grid.to_network(((pixels - low) / ((high - low) or 1.0)).astype(np.float32))
            return (image - image.mean()) / max(image.std(), 1e-6)
        image = grid.to_network(pixels).astype(np.float32)
        if self.intensity == "course":
            return image / 1024
        if callable(self.intensity):
            result = np.asarray(self.intensity(image), dtype=np.float32)
            if result.shape != image.shape:
                raise ValueError(f"intensity has to keep an image's shape, {image.shape}. It gave {result.shape}")
            return result
        return image
