"""Correction and uncertainty of measured volumes, fitted to true ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import ndtr

from keras_lvseg.errors import invalid_argument
from keras_lvseg.evaluation.volume_agreement import check_values
from keras_lvseg.evaluation.volume_crps import volume_distribution

MIN_FIT = 5
"""Number of pairs that a fit needs: one more than it has parameters."""

_MIN_SD = 0.5  # mL; the score has steps of 1 mL


@dataclass(frozen=True)
class VolumeCalibration:
    """A normal distribution for each measured volume, and one for a volume that is unknown.

    The mean is `offset_ml + factor * measured`. The standard deviation is `sd_offset_ml + sd_factor * mean`, or
    `sd_offset_ml` if the mean is negative.

    Attributes:
        offset_ml: Offset of the mean, mL.
        factor: Factor of the mean, 0 or more.
        sd_offset_ml: Offset of the standard deviation, 0.5 mL or more.
        sd_factor: Factor of the standard deviation, 0 or more.
        unknown_mean_ml: Mean of the true volumes, for a volume that is unknown, mL.
        unknown_sd_ml: Standard deviation of the true volumes, 0.5 mL or more.

    Example:
        >>> calibration = VolumeCalibration(-2.0, 1.1, 4.0, 0.05, unknown_mean_ml=160.0, unknown_sd_ml=50.0)
        >>> calibration.distributions([100.0, float("nan")])[:, [90, 108, 160]].round(2).tolist()
        [[0.03, 0.5, 1.0], [0.08, 0.15, 0.5]]
    """

    offset_ml: float
    factor: float
    sd_offset_ml: float
    sd_factor: float
    unknown_mean_ml: float
    unknown_sd_ml: float

    def distributions(self, measured_ml: ArrayLike) -> np.ndarray:
        """Return the cumulative distribution of each volume at 0, ..., 599 mL, see `volume_crps`.

        Args:
            measured_ml: Array of shape (volumes,): measured volumes in mL, NaN for unknown ones.

        Returns:
            Array of shape (volumes, 600).
        """
        measured = check_values("measured_ml", measured_ml, missing=True)
        unknown = np.isnan(measured)
        mean = np.where(unknown, self.unknown_mean_ml, self.offset_ml + self.factor * measured)
        sd = np.where(unknown, self.unknown_sd_ml, self.sd_offset_ml + self.sd_factor * np.maximum(mean, 0))
        return volume_distribution(mean, sd)


def fit_volume_calibration(measured_ml: ArrayLike, true_ml: ArrayLike) -> VolumeCalibration:
    """Fit correction and spread to true volumes by the least mean CRPS.

    The CRPS of a normal distribution has a closed form, which is minimised over all four parameters at once. An outlier
    moves them less than a least-squares line.

    Args:
        measured_ml: Array of shape (volumes,): measured volumes in mL, NaN for unknown ones.
        true_ml: Array of the same shape: the true volumes in mL.

    Raises:
        ValueError: The shapes differ, a true volume is not finite, or fewer than five measured volumes are known.

    Example:
        >>> calibration = fit_volume_calibration([60, 90, 110, 150, 200], [70, 100, 120, 160, 210])
        >>> round(calibration.offset_ml, 2), round(calibration.factor, 3), round(calibration.sd_offset_ml, 1)
        (10.0, 1.0, 0.5)
    """
    measured, true = check_values("measured_ml", measured_ml, missing=True), check_values("true_ml", true_ml)
    if measured.shape != true.shape:
        raise invalid_argument("true_ml.shape", true.shape, f"{measured.shape}, the shape of `measured_ml`")
    known = ~np.isnan(measured)
    if known.sum() < MIN_FIT:
        raise invalid_argument("measured_ml", int(known.sum()), f"{MIN_FIT} known volumes or more")
    x, y = measured[known], true[known]
    # Centred and scaled, all four parameters are of the size of 1.
    centre, spread = x.mean(), max(float(x.std()), 1.0)
    slope = max(float(np.mean((x - centre) * (y - y.mean()))) / spread**2, 0.0)
    size = max(float((y - y.mean() - slope * (x - centre)).std()), _MIN_SD)

    def parameters(values: np.ndarray) -> tuple[float, float, float, float]:
        middle, factor = y.mean() + size * values[0], values[1] * size / spread
        return middle - factor * centre, factor, values[2] * size, values[3]

    def score(values: np.ndarray) -> float:
        offset, factor, sd_offset, sd_factor = parameters(values)
        mean = offset + factor * x
        return float(_normal_crps(mean, sd_offset + sd_factor * np.maximum(mean, 0), y).mean()) / size

    start = [0.0, slope * spread / size, 1.0, 0.0]
    limits = [(None, None), (0, None), (_MIN_SD / size, None), (0, None)]
    offset, factor, sd_offset, sd_factor = parameters(minimize(score, start, method="L-BFGS-B", bounds=limits).x)
    return VolumeCalibration(
        offset_ml=float(offset),
        factor=float(factor),
        sd_offset_ml=float(sd_offset),
        sd_factor=float(sd_factor),
        unknown_mean_ml=float(true.mean()),
        unknown_sd_ml=max(float(true.std()), _MIN_SD),
    )


def _normal_crps(mean: np.ndarray, sd: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the CRPS of normal distributions in mL: 600 times the score of `volume_crps`, without its steps."""
    z = (true - mean) / sd
    return sd * (z * (2 * ndtr(z) - 1) + np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) - 1 / np.sqrt(np.pi))
