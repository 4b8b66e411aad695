"""Contours of masks: exact ones along the pixels' edges, and a smoother one to measure distances from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from skimage.measure import find_contours

from keras_lvseg.geometry.components import largest_component
from keras_lvseg.geometry.validation import boolean_mask


def mask_contours(mask: ArrayLike) -> tuple[np.ndarray, ...]:
    """Return the contours of a mask along the edges of its pixels.

    These contours cover each pixel wholly or not at all. So `polygon_mask(join_contours(contours), mask.shape)`
    restores any mask: components that touch at a corner, holes, single pixels and pixels at the image's edge.
    `polygon_area` of the joined contours is the number of pixels. `largest_contour` returns one contour only, which
    cuts the pixels' corners.

    Args:
        mask: Boolean array (or 0 and 1) of shape (rows, columns).

    Returns:
        One contour per component and one per hole, none for an empty mask. A contour is an array of shape
        (points, 2): x and y of its corners in zero-based pixel centres, the first one not repeated. Contours of
        components run clockwise on the screen, contours of holes counter-clockwise. Pixels connect by their sides:
        components that touch at a corner are two.

    Raises:
        ValueError: The mask has other values or axes.

    Example:
        >>> mask = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
        >>> for contour in mask_contours(mask):
        ...     print(contour.tolist())
        [[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5]]
        [[1.5, 1.5], [2.5, 1.5], [2.5, 2.5], [1.5, 2.5]]
    """
    contours = [_pixel_corners(sides) for sides in _closed_contours(boolean_mask("mask", mask))]
    return tuple(sorted(contours, key=lambda corners: tuple(corners[0, ::-1])))


def largest_contour(mask: ArrayLike) -> np.ndarray:
    """Return the outer contour of a mask's largest component.

    The contour runs halfway between the centres of pixels inside and outside, across the pixels' corners
    (scikit-image's `find_contours` at 0.5). Filled by `polygon_mask`, it restores a component of more than one pixel.
    Holes are ignored. Pixels connect by their sides. Of equally large components it is the one that begins first,
    row by row.

    Args:
        mask: Boolean array (or 0 and 1) of shape (rows, columns).

    Returns:
        Array of shape (points, 2): x and y in zero-based pixel centres, the first point not repeated. Its shape is
        (0, 2) for an empty mask.

    Raises:
        ValueError: The mask has other values or axes.

    Example:
        >>> largest_contour(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]])).tolist()
        [[1.0, 1.5], [0.5, 1.0], [1.0, 0.5], [1.5, 1.0]]
    """
    contours = _closed_contours(largest_component(mask))
    return contours[0] if contours else np.zeros((0, 2))


def join_contours(contours: Sequence[ArrayLike]) -> np.ndarray:
    """Join several contours to one, because a contour file holds only one.

    The joined contour follows the first contour, a line to the second one, the second one, and so on. Then it returns
    along the same lines. Passed twice, these lines enclose nothing. So the joined contour encloses what the contours
    enclose together, by the even-odd rule (as in `polygon_mask`). The nonzero rule gives the same, because holes run
    the other way around. A plot of the joined contour shows the connecting lines: plot the contours one by one.

    Args:
        contours: Contours from `mask_contours`, each of shape (points, 2).

    Returns:
        Array of shape (points, 2); (0, 2) for no contours.

    Example:
        >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
        >>> joined = join_contours(mask_contours(ring))
        >>> joined.tolist()
        [[-0.5, -0.5], [2.5, -0.5], [2.5, 2.5], [-0.5, 2.5], [-0.5, -0.5],
         [0.5, 1.5], [1.5, 1.5], [1.5, 0.5], [0.5, 0.5], [0.5, 1.5]]
        >>> from keras_lvseg.geometry import polygon_area, polygon_mask
        >>> polygon_area(joined), np.array_equal(polygon_mask(joined, (3, 3)), ring)
        (8.0, True)
    """
    if not contours:
        return np.zeros((0, 2))
    closed = [np.concatenate([points, points[:1]]) for points in map(np.asarray, contours)]
    back = [points[:1] for points in closed[-2:0:-1]]  # the last side of the closed polygon leads to the first contour
    joined = np.concatenate([*closed, *back])
    return joined[:-1] if np.array_equal(joined[0], joined[-1]) else joined


def _closed_contours(inside: np.ndarray) -> list[np.ndarray]:
    """Return contours through the middles of the pixel sides that part inside from outside, first points not repeated.

    A border of zeros is added, because `find_contours` leaves contours open at the image's edge.
    """
    contours = find_contours(np.pad(inside, 1).astype(float), 0.5, fully_connected="low")
    return [contour[:-1, ::-1] - 1 for contour in contours]


def _pixel_corners(sides: np.ndarray) -> np.ndarray:
    """Return the corners where a contour turns, given the middles of the pixel sides it runs along.

    The first corner is the uppermost, then leftmost, of those where the contour turns to the right of the screen.
    """
    # Two successive sides share a corner, which lies on half-integer coordinates.
    corners = np.floor(np.minimum(sides, np.roll(sides, -1, axis=0))) + 0.5
    steps = np.roll(corners, -1, axis=0) - corners
    turns = (steps != np.roll(steps, 1, axis=0)).any(axis=1)
    corners, steps = corners[turns], steps[turns]
    starts = np.flatnonzero(steps[:, 0] > 0)
    first = starts[np.lexsort(corners[starts].T)[0]]
    return np.roll(corners, -first, axis=0)
