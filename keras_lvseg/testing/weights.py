"""Strategies for sample weights."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

# Zero, which leaves images out, and weights whose float32 sums differ.
_WEIGHTS = st.one_of(st.just(0.0), st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.floats(0.125, 8, width=32))


def image_weights(images: int) -> st.SearchStrategy[np.ndarray]:
    """Return a strategy for weights of images, of which at least one is not zero.

    Args:
        images: Number of images.

    Returns:
        A strategy for float32 arrays of shape `(images,)`, with values in `[0, 8]`.

    Example:
        >>> from hypothesis import given
        >>> @given(image_weights(3))
        ... def check(weights):
        ...     assert weights.shape == (3,) and weights.any()
        >>> check()
    """
    return npst.arrays(np.float32, (images,), elements=_WEIGHTS).filter(np.any)


def pixel_weights(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """Return a strategy for weights of pixels. All weights of an image may be zero.

    Args:
        shape: Shape of the labels, for example `(B, H, W)`.

    Returns:
        A strategy for float32 arrays of that shape, with values in `[0, 8]`.

    Example:
        >>> from hypothesis import given
        >>> @given(pixel_weights((2, 8, 8)))
        ... def check(weights):
        ...     assert weights.min() >= 0 and weights.max() <= 8
        >>> check()
    """
    return npst.arrays(np.float32, shape, elements=_WEIGHTS)
