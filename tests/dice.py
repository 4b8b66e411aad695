"""Dice of two masks by its definition, independent of the package."""

import numpy as np


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * (one & other).sum() / (one.sum() + other.sum())
