"""Strategies for label maps, and for scores that say the same as a label map."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.testing.masks import Size, masks


def label_maps(num_classes: int = 2, size: Size = (12, 12)) -> st.SearchStrategy[np.ndarray]:
    """Label maps, each class drawn as `masks` draws them, later classes over earlier ones.

    Args:
        num_classes: Number of classes, the background (0) included.
        size: Rows and columns, two or more of each.

    Returns:
        A strategy for int32 arrays of shape `size` with values in `[0, num_classes)`.
    """

    def paint(layers: tuple[np.ndarray, ...]) -> np.ndarray:
        painted = np.zeros(size, np.int32)
        for value, layer in enumerate(layers, 1):
            painted[layer] = value
        return painted

    return st.tuples(*[masks(size)] * (num_classes - 1)).map(paint)


@st.composite
def logits_for(draw: st.DrawFn, labels: np.ndarray, num_classes: int = 2, margin: float = 0.5) -> np.ndarray:
    """Logits whose argmax is a given label map, with room to spare.

    Args:
        draw: Given by Hypothesis.
        labels: Integer array of any shape, values in `[0, num_classes)`.
        num_classes: Number of classes.
        margin: By how much, at least, the label's logit exceeds every other one; enough of it survives a softmax or
            a half-precision type.

    Returns:
        A float32 array of shape `(*labels.shape, num_classes)`, values within 20 of zero.
    """
    elements = st.floats(-8, 8, width=32)
    logits = draw(npst.arrays(np.float32, (*labels.shape, num_classes), elements=elements))
    chosen = np.arange(num_classes) == labels[..., None]
    others = np.where(chosen, -np.inf, logits).max(axis=-1, keepdims=True)
    lead = draw(st.floats(margin, margin + 10))
    return np.where(chosen, np.maximum(logits, others + np.float32(lead)), logits).astype(np.float32)
