"""Grid of a network's pixels in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import ndimage


@dataclass(frozen=True)
class NetworkGrid:
    """Grid of a network's pixels in one frame: the frame resampled, then cropped or padded about its centre.

    The way to the network and back commutes with mirroring. With `pixel_spacing`, the centres of both grids fall
    together, and each method gives bit for bit the mirror image for a mirrored argument.

    Without `pixel_spacing`, pixels are copied, never interpolated: an interpolated image would be blurred, and a label
    image would have no values between its classes. If the frame's size and the network's then differ by an odd number,
    the centres are half a pixel apart. `to_network` of a mirrored frame is mirrored and shifted by one pixel. If the
    frame is the larger one, its extra row or column at one end has no mirror image on the network's grid, and
    `to_native` gives it `fill`. So there and back is exact in every case.

    Args:
        native_shape: Rows and columns of the frame.
        native_spacing: Its pixel spacing in mm, between rows and between columns.
        image_size: Rows and columns of the network's input.
        pixel_spacing: The network's spacing in mm, in both directions. None keeps the frame's own.

    Example:
        >>> grid = NetworkGrid((4, 6), (1.0, 1.0), image_size=(2, 2))
        >>> grid.to_network(np.arange(24.0).reshape(4, 6))
        array([[ 8.,  9.],
               [14., 15.]])
        >>> grid.points_to_network(np.array([[2.0, 1.0]]))
        array([[0., 0.]])
    """

    native_shape: tuple[int, int]
    native_spacing: tuple[float, float]
    image_size: tuple[int, int]
    pixel_spacing: float | None = None

    @property
    def _step(self) -> np.ndarray:
        """Native pixels per network pixel, by axis (rows, columns)."""
        if self.pixel_spacing is None:
            return np.ones(2)
        return self.pixel_spacing / np.array(self.native_spacing)

    @property
    def _excess(self) -> np.ndarray:
        """Rows and columns of the frame beyond the network's, without resampling (negative: padding)."""
        return np.array(self.native_shape) - np.array(self.image_size)

    @property
    def _offset(self) -> np.ndarray:
        """Native row and column of the network's pixel (0, 0)."""
        if self.pixel_spacing is None:
            return self._excess // 2
        return (np.array(self.native_shape) - 1) / 2 - (np.array(self.image_size) - 1) / 2 * self._step

    def to_network(self, image: np.ndarray) -> np.ndarray:
        """Bring an image to the network's grid: bilinear, zero outside the frame.

        Args:
            image: Array of `native_shape`.

        Returns:
            Array of `image_size`, of the image's dtype, or float32 if it is resampled.
        """
        if self.pixel_spacing is None:
            return _window(image, self._offset, self.image_size)
        # A coarser grid cannot hold all detail: what it cannot is smoothed away first, as scikit-image's resize does.
        smooth = ndimage.gaussian_filter(image.astype(np.float32), np.maximum(self._step - 1, 0) / 2)
        return _resample(smooth, self._step, self.image_size)

    def to_native(self, scores: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Bring scores back to the frame's own grid: bilinear, `fill` outside the network's grid.

        Args:
            scores: Array of `image_size`, floating point if they are resampled.
            fill: Value of a pixel outside the network's grid.

        Returns:
            Array of `native_shape`.
        """
        if self.pixel_spacing is not None:
            return _resample(scores, 1 / self._step, self.native_shape, fill)
        native = _window(scores, -self._offset, self.native_shape, fill)
        for axis, excess in enumerate(self._excess):
            if excess > 0 and excess % 2:  # the first row or column of the crop has no mirror image
                native[(slice(None),) * axis + (self._offset[axis],)] = fill
        return native

    def points_to_network(self, points: np.ndarray) -> np.ndarray:
        """Bring points, shape (points, 2) as x and y in the frame's pixel centres, to the network's."""
        return (np.asarray(points, dtype=float) - self._offset[::-1]) / self._step[::-1]


def _window(image: np.ndarray, start: np.ndarray, size: tuple[int, int], fill: float = 0.0) -> np.ndarray:
    """Return the part of `image` from `start` on that has `size`, padded with `fill` outside the image."""
    window = np.full(size, fill, dtype=image.dtype)
    first = np.maximum(start, 0)
    last = np.minimum(start + np.array(size), image.shape)
    if (first < last).all():
        source = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        target = tuple(slice(a - s, b - s) for a, b, s in zip(first, last, start, strict=True))
        window[target] = image[source]
    return window


def _resample(image: np.ndarray, step: np.ndarray, size: tuple[int, int], fill: float = 0.0) -> np.ndarray:
    """Interpolate linearly on a grid with the image's centre, `step` pixels apart, with `fill` outside the image."""
    resampled = np.pad(image, 1, constant_values=fill)
    for axis in range(2):
        near, far, weight = _neighbours(image.shape[axis], size[axis], step[axis])
        weight = weight.reshape((-1, 1) if axis == 0 else (1, -1))
        resampled = np.take(resampled, near, axis) * (1 - weight) + np.take(resampled, far, axis) * weight
    return resampled.astype(image.dtype)


@lru_cache(maxsize=64)  # the images of a study have one grid
def _neighbours(source: int, target: int, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two source pixels that each target pixel is between, and the weight of the second.

    The first one is nearer to the centre. The lower half of the targets mirrors the upper half, because the rounding
    of floating point numbers would not. Indices count a border of one pixel around the source.
    """
    distances = (np.arange(target // 2, target) - (target - 1) / 2) * step
    places = (source - 1) / 2 + distances
    near = np.floor(places).astype(int)
    weight, far = places - near, near + 1
    lower = slice(None, None if target % 2 == 0 else 0, -1)  # an odd target has a pixel in the centre
    near, far = (np.concatenate([(source - 1 - upper)[lower], upper]) for upper in (near, far))
    near, far = (np.clip(index + 1, 0, source + 1) for index in (near, far))
    return near, far, np.concatenate([weight[lower], weight])
