"""Drawn changes applied by NumPy and SciPy; `pipeline.py` does the same in TensorFlow."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from keras_lvseg.data import columns
from keras_lvseg.data.fields import normal_noise, smooth_field


def apply_change(image: np.ndarray, label: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apply one drawn change to an image and its label.

    In this order: gamma, the move, shading, contrast and brightness, noise. The power goes first, where the image's
    own lowest and highest intensities are known to the bit; the noise last, where nothing smooths it.

    Args:
        image: float32 array of shape (H, W, 1); read bilinearly, its border repeated outside.
        label: Integer array of shape (H, W, 1); read from the nearest pixel, so that labels stay labels.
        change: A row of `Augmentation.draw`.

    Returns:
        Both, changed, in the same shapes and types.

    Example:
        >>> from keras_lvseg.data import Augmentation
        >>> change = Augmentation(rotation=180, elastic=0.2).draw(seed=0, epoch=0, count=1, image_size=(4, 4))[0]
        >>> image, label = apply_change(np.ones((4, 4, 1), np.float32), np.ones((4, 4, 1), np.uint8), change)
        >>> image.min(), label.min()
        (np.float32(1.0), np.uint8(1))
    """
    pixels, size = image[..., 0], (image.shape[0], image.shape[1])
    low, high = pixels.min(), pixels.max()
    if change[columns.GAMMA] != 1 and high > low:
        pixels = low + (high - low) * ((pixels - low) / (high - low)) ** change[columns.GAMMA]

    places = read_places(change, size)
    pixels = ndimage.map_coordinates(pixels, places, order=1, mode="nearest")
    moved = ndimage.map_coordinates(label[..., 0], places, order=0, mode="nearest")

    shading = change[columns.SHADING].reshape(2 * [columns.SHADING_POINTS])
    if shading.any():
        pixels += (pixels - low) * np.expm1(smooth_field(shading, size))
    pixels = pixels * change[columns.CONTRAST] + change[columns.BRIGHTNESS]
    if change[columns.NOISE]:
        pixels += change[columns.NOISE] * normal_noise(int(change[columns.NOISE_KEY]), size)
    return pixels[..., None], moved[..., None]


def read_places(change: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where each pixel of the changed image is read from.

    Args:
        change: A row of `Augmentation.draw`.
        size: Rows and columns of the image.

    Returns:
        float64 array of shape (2, H, W), rows first; it may lie outside of the image.

    Example:
        >>> from keras_lvseg.data import Augmentation
        >>> change = Augmentation().draw(seed=0, epoch=0, count=1, image_size=(2, 3))[0]
        >>> rows, columns = read_places(change, (2, 3))
        >>> columns
        array([[0., 1., 2.],
               [0., 1., 2.]])
    """
    y, x = np.indices(size, dtype=float)
    elastic = change[columns.ELASTIC].reshape(2, columns.ELASTIC_POINTS, columns.ELASTIC_POINTS)
    if elastic.any():
        dx, dy = smooth_field(elastic, size)
        x, y = x + dx, y + dy
    a, b, c, d, e, f = change[columns.MATRIX].astype(float)
    return np.stack([d * x + e * y + f, a * x + b * y + c])
