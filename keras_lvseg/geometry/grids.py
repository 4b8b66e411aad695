"""The grid that a network sees, and the way there and back from a frame's own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class NetworkGrid:
    """Where a network's pixels lie in one frame: the frame resampled, then cropped or padded about its centre.

    Args:
        native_shape: Rows and columns of the frame.
        native_spacing: Its pixel spacing in mm, between rows and between columns.
        image_size: Rows and columns that the network sees.
        pixel_spacing: The spacing in mm, in both directions, that it sees them at; None keeps the frame's own.

    Example:
        >>> grid = NetworkGrid((4, 6), (1.0, 1.0), image_size=(2, 2))
        >>> grid.from_native(np.arange(24.0).reshape(4, 6))
        array([[ 8.,  9.],
               [14., 15.]])
        >>> grid.points_from_native(np.array([[2.0, 1.0]]))
        array([[0., 0.]])
    """

    native_shape: tuple[int, int]
    native_spacing: tuple[float, float]
    image_size: tuple[int, int]
    pixel_spacing: float | None = None

    @property
    def _step(self) -> np.ndarray:
        """Native pixels a network pixel, by axis (rows, columns)."""
        if self.pixel_spacing is None:
            return np.ones(2)
        return self.pixel_spacing / np.array(self.native_spacing)

    @property
    def _start(self) -> np.ndarray:
        """The resampled frame's row and column at which the network's grid begins (negative: padding)."""
        resampled = np.rint(np.array(self.native_shape) / self._step).astype(int)
        return (resampled - np.array(self.image_size)) // 2

    @property
    def _offset(self) -> np.ndarray:
        """Native row and column of the network's pixel (0, 0): outer edges of the first pixels fall together."""
        return (self._start + 0.5) * self._step - 0.5

    def from_native(self, image: np.ndarray) -> np.ndarray:
        """Bring an image to the network's grid: bilinear, zero outside the frame.

        Args:
            image: Array of `native_shape`.

        Returns:
            Array of `image_size`, floating point where `pixel_spacing` is given.
        """
        if self.pixel_spacing is None:
            return _window(image, self._start, self.image_size)
        step = self._step
        # Where the grid gets coarser, what it cannot show is smoothed away first (as scikit-image's resize does).
        smooth = ndimage.gaussian_filter(image.astype(np.float32), np.maximum(step - 1, 0) / 2)
        return ndimage.affine_transform(smooth, step, self._offset, self.image_size, order=1, mode="grid-constant")

    def to_native(self, scores: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Bring scores back to the frame's own grid: bilinear, `fill` where the network saw nothing.

        Args:
            scores: Array of `image_size`, one number a pixel.
            fill: What a pixel outside the network's grid gets.

        Returns:
            Array of `native_shape`.
        """
        if self.pixel_spacing is None:
            return _window(scores, -self._start, self.native_shape, fill)
        step = 1 / self._step
        return ndimage.affine_transform(
            scores, step, -self._offset * step, self.native_shape, order=1, mode="grid-constant", cval=fill
        )

    def points_from_native(self, points: np.ndarray) -> np.ndarray:
        """Bring points, shape (points, 2) as x and y in the frame's pixel centres, to the network's."""
        return (np.asarray(points, dtype=float) - self._offset[::-1]) / self._step[::-1]


def _window(image: np.ndarray, start: np.ndarray, size: tuple[int, int], fill: float = 0.0) -> np.ndarray:
    """The part of `image` that begins at `start` and has `size`, padded with `fill` where it leaves the image."""
    window = np.full(size, fill, dtype=image.dtype)
    first = np.maximum(start, 0)
    last = np.minimum(start + np.array(size), image.shape)
    if (first < last).all():
        source = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        target = tuple(slice(a - s, b - s) for a, b, s in zip(first, last, start, strict=True))
        window[target] = image[source]
    return window
