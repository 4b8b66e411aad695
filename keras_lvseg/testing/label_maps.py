"""Strategies for label maps, and for logits of a given label map."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.testing.masks import Size, masks


def label_maps(num_classes: int = 2, size: Size = (12, 12)) -> st.SearchStrategy[np.ndarray]:
    """Return a strategy for label maps. Each class is drawn by `masks`, later classes over earlier ones.

    Args:
        num_classes: Number of classes, the background (0) included.
        size: Rows and columns, two or more of each.

    Returns:
        A strategy for int32 arrays of shape `size` with values in `[0, num_classes)`.

    Example:
        >>> from hypothesis import given
        >>> @given(label_maps(3, size=(8, 8)))
        ... def check(labels):
        ...     assert labels.shape == (8, 8) and set(labels.ravel()) <= {0, 1, 2}
        >>> check()
    """

    def paint(layers: tuple[np.ndarray, ...]) -> np.ndarray:
        painted = np.zeros(size, np.int32)
        for value, layer in enumerate(layers, 1):
            painted[layer] = value
        return painted

    return st.tuples(*[masks(size)] * (num_classes - 1)).map(paint)


@st.composite
def logits_for(draw: st.DrawFn, labels: np.ndarray, num_classes: int = 2, *, margin: float = 0.5) -> np.ndarray:
    """Return a strategy for logits whose argmax is a given label map.

    Args:
        draw: Supplied by Hypothesis.
        labels: Integer array of any shape, with values in `[0, num_classes)`.
        num_classes: Number of classes.
        margin: Least difference of the label's logit to every other one. The default survives a softmax and
            half-precision types.

    Returns:
        A strategy for float32 arrays of shape `(*labels.shape, num_classes)`, with values within 20 of zero for the
        default margin.

    Example:
        >>> from hypothesis import given
        >>> labels = np.array([[0, 1], [2, 1]])
        >>> @given(logits_for(labels, num_classes=3))
        ... def check(logits):
        ...     assert np.array_equal(logits.argmax(axis=-1), labels)
        >>> check()
    """
    elements = st.floats(-8, 8, width=32)
    logits = draw(npst.arrays(np.float32, (*labels.shape, num_classes), elements=elements))
    chosen = np.arange(num_classes) == labels[..., None]
    others = np.where(chosen, -np.inf, logits).max(axis=-1, keepdims=True)
    lead = draw(st.floats(margin, margin + 10))
    return np.where(chosen, np.maximum(logits, others + np.float32(lead)), logits).astype(np.float32)
