"""Masks back to contours: outlines along the pixels' own edges, which fill to the same mask again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

# An edge of a pixel: the x and y of the corner where it starts, and which way it runs. Corners are counted from the
# image's top left one; the mask lies to the right of an edge, so that outer borders run clockwise on the screen.
_Edge = tuple[int, int, int]
_RIGHT, _DOWN, _LEFT, _UP = range(4)
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def mask_contours(mask: ArrayLike) -> tuple[np.ndarray, ...]:
    """Follow the edges between the pixels inside a mask and those outside.

    These contours cover every pixel wholly or not at all, so `polygon_mask(join_contours(contours), mask.shape)` is
    the mask again whatever it looks like: several parts, parts that touch at a corner, holes, single pixels, the
    image's border. `polygon_area` of the joined contours is the number of pixels.

    `keras_lvseg.evaluation.mask_outline` is the other way to outline a mask: one line around the largest part, across
    the pixels' corners, to measure distances from.

    Args:
        mask: Boolean array of shape (rows, columns).

    Returns:
        A contour for each part's outer border and one for each hole; none for an empty mask. A contour is an array of
        shape (points, 2): x and y of its corners in zero-based pixel centres, the first not repeated. Outer borders
        run clockwise as seen on the screen, holes counter-clockwise. Pixels hang together by their sides; parts that
        touch at a corner are two.

    Raises:
        ValueError: It is no such mask.

    Example:
        >>> mask = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], bool)
        >>> for contour in mask_contours(mask):
        ...     print(contour.tolist())
        [[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5]]
        [[1.5, 1.5], [2.5, 1.5], [2.5, 2.5], [1.5, 2.5]]
    """
    inside = np.asarray(mask)
    if inside.dtype != bool or inside.ndim != 2:
        raise ValueError(f"mask has to be boolean with 2 axes; received {inside.dtype} of shape {inside.shape}")
    edges = _edges(inside)
    # Every contour runs to the right somewhere. Where it first does, row by row, it has just turned: that is a corner.
    starts = dict.fromkeys(edge for edge in edges if edge[2] == _RIGHT)
    contours = []
    while starts:
        contour = _follow(edges, next(iter(starts)))
        for edge in contour:
            starts.pop(edge, None)
        before = [contour[-1], *contour[:-1]]
        corners = [edge[:2] for edge, last in zip(contour, before, strict=True) if edge[2] != last[2]]
        contours.append(np.array(corners) - 0.5)
    return tuple(contours)


def join_contours(contours: Sequence[ArrayLike]) -> np.ndarray:
    """Make one outline of several, as a contour file holds but one.

    The outline goes around the first contour, over to the second one and around that, and so on, and back the same
    way. The ways over, gone twice, enclose nothing, so it fills to what the contours together enclose, by the
    even-odd rule (as `polygon_mask` does) and, holes running the other way around, by the nonzero rule too. In a
    picture the ways over would show: draw the contours one by one.

    Args:
        contours: Contours as of `mask_contours`, each of shape (points, 2).

    Returns:
        Array of shape (points, 2); (0, 2) for no contours.

    Example:
        >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
        >>> outline = join_contours(mask_contours(ring))
        >>> outline.tolist()
        [[-0.5, -0.5], [2.5, -0.5], [2.5, 2.5], [-0.5, 2.5], [-0.5, -0.5],
         [0.5, 1.5], [1.5, 1.5], [1.5, 0.5], [0.5, 0.5], [0.5, 1.5]]
        >>> from keras_lvseg.geometry import polygon_area, polygon_mask
        >>> polygon_area(outline), np.array_equal(polygon_mask(outline, (3, 3)), ring)
        (8.0, True)
    """
    if not contours:
        return np.zeros((0, 2))
    closed = [np.concatenate([points, points[:1]]) for points in map(np.asarray, contours)]
    # The first contour is reached again by the outline's own last side.
    back = [points[:1] for points in closed[-2:0:-1]]
    outline = np.concatenate([*closed, *back])
    return outline[:-1] if np.array_equal(outline[0], outline[-1]) else outline


def _edges(inside: np.ndarray) -> dict[_Edge, None]:
    """The edges between inside and outside, row by row; a dictionary is a set that keeps its order."""
    framed = np.pad(inside, 1)
    outside = {
        _RIGHT: ~framed[:-2, 1:-1],  # what lies above a pixel decides on its upper edge, which runs to the right
        _DOWN: ~framed[1:-1, 2:],
        _LEFT: ~framed[2:, 1:-1],
        _UP: ~framed[1:-1, :-2],
    }
    starts = {_RIGHT: (0, 0), _DOWN: (1, 0), _LEFT: (1, 1), _UP: (0, 1)}  # which of the pixel's corners, x and y
    return {
        (column + starts[way][0], row + starts[way][1], way): None
        for way, beyond in outside.items()
        for row, column in np.argwhere(inside & beyond).tolist()
    }


def _follow(edges: dict[_Edge, None], start: _Edge) -> list[_Edge]:
    """All edges of one contour, in order."""
    contour = [start]
    while True:
        x, y, way = contour[-1]
        x, y = x + _STEPS[way][0], y + _STEPS[way][1]
        # Where two parts touch at a corner both turns are open; the right one stays with the same pixel.
        turns = ((way + 1) % 4, way, (way - 1) % 4)
        edge = next((x, y, turn) for turn in turns if (x, y, turn) in edges)
        if edge == start:
            return contour
        contour.append(edge)
