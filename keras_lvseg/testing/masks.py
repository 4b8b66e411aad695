"""Strategies for binary masks: edge cases, and heart-like shapes."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

Size = tuple[int, int]


def masks(size: Size = (12, 12)) -> st.SearchStrategy[np.ndarray]:
    """Return a strategy for masks of all kinds.

    Args:
        size: Rows and columns, two or more of each.

    Returns:
        A strategy for boolean arrays of shape `size`: empty, full, a single pixel, touching the image's edge, several
        components, heart-like (see `hearts`), or random pixels. It shrinks towards the empty mask.

    Example:
        >>> from hypothesis import given
        >>> @given(masks((8, 8)))
        ... def check(mask):
        ...     assert mask.shape == (8, 8) and mask.dtype == bool
        >>> check()
    """
    return st.one_of(
        st.just(np.zeros(size, bool)).map(np.copy),
        _single_pixels(size),
        st.just(np.ones(size, bool)).map(np.copy),
        _at_border(size),
        st.tuples(_single_pixels(size), _single_pixels(size), hearts(size)).map(np.logical_or.reduce),
        hearts(size),
        npst.arrays(bool, size),
    )


def mask_pairs(size: Size = (12, 12)) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Return a strategy for pairs of masks, as label and prediction.

    Args:
        size: Rows and columns, two or more of each.

    Returns:
        A strategy for two boolean arrays of shape `size`: independent, equal, disjoint, one inside the other, or equal
        except for a few pixels.

    Example:
        >>> from hypothesis import given
        >>> @given(mask_pairs())
        ... def check(pair):
        ...     assert pair[0].shape == pair[1].shape == (12, 12)
        >>> check()
    """
    one, other = masks(size), masks(size)
    return st.one_of(
        st.tuples(one, other),
        one.map(lambda mask: (mask, mask.copy())),
        st.tuples(one, other).map(lambda pair: (pair[0], pair[1] & ~pair[0])),
        st.tuples(one, other).map(lambda pair: (pair[0] | pair[1], pair[1])),
        st.tuples(one, _single_pixels(size), _single_pixels(size)).map(lambda t: (t[0], t[0] ^ t[1] ^ t[2])),
    )


@st.composite
def hearts(draw: st.DrawFn, size: Size = (12, 12)) -> np.ndarray:
    """Return a strategy for masks like the cavity of a left ventricle: one round component with a wavy border.

    It may extend beyond the image.

    Args:
        draw: Supplied by Hypothesis.
        size: Rows and columns, two or more of each.

    Returns:
        A strategy for boolean arrays of shape `size`.

    Example:
        >>> from hypothesis import given
        >>> @given(hearts((40, 30)))
        ... def check(mask):
        ...     assert mask.shape == (40, 30) and mask.dtype == bool
        >>> check()
    """
    rows, columns = np.indices(size)
    y, x = rows - draw(_within(size[0])), columns - draw(_within(size[1]))
    angle, radius = np.arctan2(y, x), np.hypot(y, x)
    border = draw(st.floats(1.0, min(size) / 2))
    for harmonic in (2, 3, 5):  # oval, triangular, and dents like those of papillary muscles
        wave, phase = draw(st.floats(0, 0.2)), draw(st.floats(0, 2 * np.pi))
        border = border * (1 + wave * np.cos(harmonic * angle + phase))
    return radius < border


def _within(length: int) -> st.SearchStrategy[float]:
    return st.floats(0, length - 1)


@st.composite
def _single_pixels(draw: st.DrawFn, size: Size) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[draw(st.integers(0, size[0] - 1)), draw(st.integers(0, size[1] - 1))] = True
    return mask


@st.composite
def _at_border(draw: st.DrawFn, size: Size) -> np.ndarray:
    """Draw a block at one of the four corners."""
    mask = np.zeros(size, bool)
    mask[: draw(st.integers(1, size[0] - 1)), draw(st.integers(0, size[1] - 1)) :] = True
    return draw(st.sampled_from([mask, mask[::-1], mask[:, ::-1], mask[::-1, ::-1]])).copy()
