"""The part of an image around the heart, which the network looks at again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from keras_lvseg.inference.predict import Predict, Views, average_views

Window = tuple[slice, slice]
"""Rows and columns of a part of an image."""

_CAVITY = 0.3  # probability of pixels that have to be in the window
_MARGIN = 8  # pixels around them, for the wall


def whole_window(shape: tuple[int, ...]) -> Window:
    """Return the window that is the whole image.

    Args:
        shape: Rows and columns of the image.
    """
    return slice(0, shape[0]), slice(0, shape[1])


def window_at(row: float, column: float, side: int, shape: tuple[int, int]) -> Window:
    """Return the square of an image whose middle is nearest to a point.

    Args:
        row: Row of the point.
        column: Column of the point.
        side: Side length in pixels, not above that of the image.
        shape: Rows and columns of the image.

    Example:
        >>> window_at(20.0, 3.0, 8, (40, 40))
        (slice(17, 25, None), slice(0, 8, None))
    """
    starts = (
        min(max(int(np.floor(place - (side - 1) / 2 + 0.5)), 0), size - side)
        for place, size in zip((row, column), shape, strict=True)
    )
    rows, columns = (slice(start, start + side) for start in starts)
    return rows, columns


def cavity_window(cavity: np.ndarray, side: int) -> Window | None:
    """Return the square of an image with what may be cavity in its middle.

    Args:
        cavity: Probability of the cavity, of shape (H, W).
        side: Side length in pixels.

    Returns:
        The window, the whole image if a cavity with its wall does not fit, and None without a cavity.

    Example:
        >>> cavity = np.zeros((40, 40))
        >>> cavity[18:22, 2:6] = 0.9
        >>> cavity_window(cavity, 24)
        (slice(8, 32, None), slice(0, 24, None))
    """
    rows, columns = np.nonzero(cavity > _CAVITY)
    if not len(rows):
        return None
    if max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * _MARGIN > side:
        return whole_window(cavity.shape)
    row, column = ((own.min() + own.max()) / 2 for own in (rows, columns))
    return window_at(row, column, side, cavity.shape)


def predict_windows(
    predict: Predict,
    images: Sequence[np.ndarray],
    windows: Sequence[Window],
    *,
    views: Views,
    normalize: Callable[[np.ndarray], np.ndarray],
) -> list[np.ndarray]:
    """Return the probabilities of parts of images.

    Args:
        predict: The network.
        images: Arrays of shape (H, W).
        windows: The part of each image.
        views: See `average_views`.
        normalize: Gives a part the intensities of a whole image.

    Returns:
        Per image, an array of shape (H, W, classes). Outside the window, the background has probability 1.
    """
    by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (rows, columns) in enumerate(windows):
        by_shape[rows.stop - rows.start, columns.stop - columns.start].append(i)
    found: dict[int, np.ndarray] = {}
    for own in by_shape.values():
        parts = np.stack([normalize(images[i][windows[i]]) for i in own])[..., None]
        for i, part in zip(own, average_views(predict, parts, views=views), strict=True):
            found[i] = np.zeros((*images[i].shape, part.shape[-1]), part.dtype)
            found[i][..., 0] = 1
            found[i][windows[i]] = part
    return [found[i] for i in range(len(images))]
