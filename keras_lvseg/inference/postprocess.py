"""One heart an image: the part that the network is surest of, without holes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_SURE = 1e-4  # nearer to 0 or 1 a probability says no more


def keep_best_component(probabilities: np.ndarray) -> np.ndarray:
    """Take each pixel's likeliest class, keep one connected part of all that is not background, and fill its holes.

    Of several parts the one with the largest sum of log-odds is kept: a stomach that the network half believes in may
    be larger than the ventricle that it is sure of.

    Args:
        probabilities: Array of shape (classes, H, W), class 0 being the background.

    Returns:
        uint8 array of shape (H, W): class numbers. A hole gets its likeliest class but the background.

    Example:
        >>> heart = np.array([[0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.3, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6]])
        >>> keep_best_component(np.stack([1 - heart, heart]))
        array([[0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0]], dtype=uint8)
    """
    labels = np.argmax(probabilities, axis=0).astype(np.uint8)
    parts, count = ndimage.label(labels)
    if count == 0:
        return labels
    background = np.clip(probabilities[0], _SURE, 1 - _SURE)
    sureness = ndimage.sum_labels(np.log1p(-background) - np.log(background), parts, np.arange(1, count + 1))
    best = 1 + int(np.argmax(sureness))
    box = ndimage.find_objects(parts)[best - 1]
    kept = np.zeros(labels.shape, bool)
    kept[box] = ndimage.binary_fill_holes(parts[box] == best)
    return np.where(kept, 1 + np.argmax(probabilities[1:], axis=0), 0).astype(np.uint8)
