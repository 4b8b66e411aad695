"""Strategies for sample weights."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

# Zero, which leaves out, and weights that float32 sums can tell apart.
_WEIGHTS = st.one_of(st.just(0.0), st.sampled_from([0.25, 0.5, 1.0, 2.0]), st.floats(0.125, 8, width=32))


def image_weights(images: int) -> st.SearchStrategy[np.ndarray]:
    """A weight for each image, of which one at least is not zero.

    Args:
        images: Number of images.

    Returns:
        A strategy for float32 arrays of shape `(images,)`, values in `[0, 8]`.
    """
    return npst.arrays(np.float32, (images,), elements=_WEIGHTS).filter(np.any)


def pixel_weights(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    """A weight for each pixel; all of an image's may be zero.

    Args:
        shape: Of the labels, for example `(B, H, W)`.

    Returns:
        A strategy for float32 arrays of that shape, values in `[0, 8]`.
    """
    return npst.arrays(np.float32, shape, elements=_WEIGHTS)
