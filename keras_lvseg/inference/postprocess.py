"""One heart an image: the part that the network is surest of, without holes."""

from __future__ import annotations

import numpy as np

from keras_lvseg.geometry import largest_component

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
    background = np.clip(probabilities[0], _SURE, 1 - _SURE)
    log_odds = np.log1p(-background) - np.log(background)
    kept = largest_component(np.argmax(probabilities, axis=0) > 0, weights=log_odds)
    return np.where(kept, 1 + np.argmax(probabilities[1:], axis=0), 0).astype(np.uint8)
