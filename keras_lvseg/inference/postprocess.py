"""Postprocessing: one connected component per image, without holes."""

from __future__ import annotations

import numpy as np

from keras_lvseg.geometry import largest_component

_MIN_PROBABILITY = 1e-4  # bounds the log-odds of one pixel


def keep_best_component(probabilities: np.ndarray) -> np.ndarray:
    """Return the most likely class of each pixel, reduced to one connected foreground component without holes.

    The component with the largest sum of log-odds is kept. A stomach with uncertain pixels may be larger than the
    ventricle, whose pixels are certain.

    Args:
        probabilities: Array of shape (classes, H, W). Class 0 is the background.

    Returns:
        Class numbers, uint8 array of shape (H, W). Pixels of a hole get their most likely foreground class.

    Example:
        >>> heart = np.array([[0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.3, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6]])
        >>> keep_best_component(np.stack([1 - heart, heart]))
        array([[0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0]], dtype=uint8)
    """
    background = np.clip(probabilities[0], _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    log_odds = np.log1p(-background) - np.log(background)
    kept = largest_component(np.argmax(probabilities, axis=0) > 0, weights=log_odds)
    return np.where(kept, 1 + np.argmax(probabilities[1:], axis=0), 0).astype(np.uint8)
