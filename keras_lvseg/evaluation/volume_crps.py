"""Continuous ranked probability score (CRPS) of volumes, as the Data Science Bowl computes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from keras_lvseg.errors import invalid_argument
from keras_lvseg.evaluation.volume_agreement import check_values
from keras_lvseg.io.bowl_submission import VOLUME_STEPS


def volume_distribution(mean_ml: ArrayLike, sd_ml: ArrayLike) -> np.ndarray:
    """Return the cumulative normal distribution of volumes at 0, ..., 599 mL.

    Args:
        mean_ml: Array of shape (volumes,): mean of each distribution in mL.
        sd_ml: Array of the same shape, or one number: standard deviation in mL, above 0.

    Returns:
        Array of shape (volumes, 600). Rows never fall and lie in [0, 1].

    Raises:
        ValueError: A mean is not finite, or a standard deviation is not positive.

    Example:
        >>> probabilities = volume_distribution([120.0], 10.0)
        >>> probabilities[0, [100, 120, 140]].round(3).tolist()
        [0.023, 0.5, 0.977]
    """
    mean = check_values("mean_ml", mean_ml)
    sd = np.asarray(sd_ml, dtype=float)
    if sd.shape not in ((), mean.shape) or not (np.isfinite(sd) & (sd > 0)).all():
        raise invalid_argument("sd_ml", sd_ml, "a positive number of mL, or one per mean")
    return ndtr((np.arange(VOLUME_STEPS) - mean[:, None]) / np.broadcast_to(sd, mean.shape)[:, None])


def volume_crps(probabilities: ArrayLike, true_ml: ArrayLike) -> np.ndarray:
    """Return the CRPS of each volume: the mean over n = 0, ..., 599 mL of `(P(V <= n) - [n >= true])^2`.

    The score of the Data Science Bowl is the mean over the end-diastolic and end-systolic volumes of all patients. 0 is
    best. A volume that is given as certain and is wrong by d mL costs about d / 600.

    Args:
        probabilities: Array of shape (volumes, 600): P(V <= n) for n = 0, ..., 599 mL.
        true_ml: Array of shape (volumes,): the true volumes in mL.

    Returns:
        Array of shape (volumes,), from 0 to 1.

    Raises:
        ValueError: A shape is wrong, a row falls or leaves [0, 1], or a volume is not finite.

    Example:
        >>> certain = (np.arange(600) >= 120).astype(float)
        >>> volume_crps([certain, certain], [120, 126]).tolist()
        [0.0, 0.01]
    """
    rows, true = np.asarray(probabilities, dtype=float), check_values("true_ml", true_ml)
    if rows.shape != (len(true), VOLUME_STEPS):
        raise invalid_argument("probabilities.shape", rows.shape, f"{(len(true), VOLUME_STEPS)}")
    if not ((rows >= 0) & (rows <= 1)).all() or (np.diff(rows) < 0).any():
        raise invalid_argument("probabilities", rows, "rows that never fall, in [0, 1]")
    return np.square(rows - (np.arange(VOLUME_STEPS) >= true[:, None])).mean(axis=1)
