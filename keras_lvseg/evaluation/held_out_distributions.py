"""Distributions of volumes by calibrations that never saw the patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.data.splits import patient_folds
from keras_lvseg.errors import invalid_argument
from keras_lvseg.evaluation.volume_calibration import fit_volume_calibration
from keras_lvseg.io.bowl_submission import VOLUME_STEPS


def held_out_distributions(
    measured_ml: ArrayLike, true_ml: ArrayLike, patients: Sequence[str], *, folds: int = 10, seed: int = 0
) -> np.ndarray:
    """Return the distribution of each volume, calibrated on the patients of the other folds.

    Args:
        measured_ml: Array of shape (volumes,): measured volumes in mL, NaN for unknown ones.
        true_ml: Array of the same shape: the true volumes in mL.
        patients: The patient of each volume. All volumes of a patient are in one fold.
        folds: Number of folds; at most one per patient is used.
        seed: Seed of the folds, see `keras_lvseg.data.patient_folds`.

    Returns:
        Array of shape (volumes, 600), for `volume_crps`.

    Raises:
        ValueError: The shapes differ, there are fewer than two patients or folds, or the patients outside a fold have
            fewer than five known volumes.

    Example:
        >>> from keras_lvseg.evaluation import volume_crps
        >>> measured, true = [60, 90, 110, 150, 200, 170], [65, 92, 117, 153, 208, 175]
        >>> scores = volume_crps(held_out_distributions(measured, true, ["a", "b", "c", "d", "e", "f"]), true)
        >>> bool(scores.mean() < 0.01)
        True
    """
    measured, true = np.asarray(measured_ml, dtype=float), np.asarray(true_ml, dtype=float)
    if not measured.shape == true.shape == (len(patients),):
        raise invalid_argument("true_ml.shape", true.shape, f"{(len(patients),)}, as `measured_ml` and `patients`")
    probabilities = np.full((len(patients), VOLUME_STEPS), np.nan)
    for fold in patient_folds(patients, min(folds, len(set(patients))), seed=seed):
        test = np.isin(patients, fold["test"])
        probabilities[test] = fit_volume_calibration(measured[~test], true[~test]).distributions(measured[test])
    return probabilities
