"""Postprocessing: one connected component per image, without holes."""

from __future__ import annotations

import numpy as np

from keras_lvseg.geometry import largest_component

_MIN_PROBABILITY = 1e-4  # bounds the log-odds of one pixel


def decide_classes(probabilities: np.ndarray) -> np.ndarray:
    """Return a class for each pixel.

    A pixel is cavity (class 1) if the cavity is more likely than all other classes together. Else it has the most
    likely of the other classes. In frames without an epicardial contour, background and myocardium were trained as one
    class. How a network divides a probability between these two must not decide what is cavity.

    Args:
        probabilities: Array of shape (classes, H, W). Class 0 is the background.

    Returns:
        Class numbers, uint8 array of shape (H, W).

    Example:
        >>> decide_classes(np.array([[[0.3, 0.1]], [[0.4, 0.6]], [[0.3, 0.3]]]))
        array([[0, 1]], dtype=uint8)
    """
    # By comparisons: `np.argmax` over the first axis takes five times as long.
    best, classes = probabilities[0], np.zeros(probabilities.shape[1:], np.uint8)
    for own in range(2, len(probabilities)):
        classes[probabilities[own] > best] = own
        best = np.maximum(best, probabilities[own])
    others = probabilities[0] + probabilities[2:].sum(axis=0)
    classes[probabilities[1] > others] = 1
    return classes


def keep_best_component(probabilities: np.ndarray, *, seed: tuple[int, int] | None = None) -> np.ndarray:
    """Return the class of each pixel, with one connected cavity without holes and the myocardium that it touches.

    The component of the cavity with the largest sum of log-odds is kept. A stomach with uncertain pixels may be larger
    than the ventricle, whose pixels are certain. Without a cavity there is no myocardium.

    Args:
        probabilities: Array of shape (classes, H, W). Class 0 is the background, 1 the cavity.
        seed: Row and column of a pixel of the cavity, whose component is kept instead. None keeps the best one.

    Returns:
        Class numbers, uint8 array of shape (H, W).

    Example:
        >>> heart = np.array([[0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.3, 0.9, 0.1, 0.6, 0.6],
        ...                   [0.1, 0.9, 0.9, 0.9, 0.1, 0.6, 0.6]])
        >>> keep_best_component(np.stack([1 - heart, heart]))
        array([[0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0],
               [0, 1, 1, 1, 0, 0, 0]], dtype=uint8)
    """
    classes = decide_classes(probabilities)
    weights = log_odds(probabilities)
    if seed is not None:
        weights = np.zeros(classes.shape)
        weights[seed] = 1
    cavity = largest_component(classes == 1, weights=weights)
    if len(probabilities) == 2 or not cavity.any():
        return cavity.astype(np.uint8)
    # The component of myocardium and cavity with the most cavity is the one that holds the cavity.
    heart = largest_component((classes > 1) | cavity, weights=cavity)
    return np.where(cavity, 1, np.where(heart & (classes > 1), classes, 0)).astype(np.uint8)


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return the log-odds of the cavity against all other classes together.

    Args:
        probabilities: Array of shape (classes, H, W). Class 0 is the background, 1 the cavity.

    Returns:
        Array of shape (H, W), from -9.2 to 9.2.
    """
    others = np.clip(probabilities[0] + probabilities[2:].sum(axis=0), _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    return np.log1p(-others) - np.log(others)
