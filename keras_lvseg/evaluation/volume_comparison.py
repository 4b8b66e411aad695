"""Comparison of two tables of volumes: agreement, CRPS and calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.evaluation.held_out_distributions import held_out_distributions
from keras_lvseg.evaluation.volume_agreement import VolumeAgreement, volume_agreement
from keras_lvseg.evaluation.volume_calibration import MIN_FIT, fit_volume_calibration
from keras_lvseg.evaluation.volume_calibrations import VolumeCalibrations
from keras_lvseg.evaluation.volume_crps import volume_crps
from keras_lvseg.geometry import ejection_fraction
from keras_lvseg.io.volume_table import VolumeTable


@dataclass(frozen=True)
class ComparedStudy:
    """Measured and true volumes of a study. None if unknown.

    Attributes:
        study: The study.
        patient: The patient, see `keras_lvseg.io.VolumeRow`.
        edv_ml: Measured end-diastolic volume, mL.
        esv_ml: Measured end-systolic volume, mL.
        true_edv_ml: True end-diastolic volume, mL.
        true_esv_ml: True end-systolic volume, mL.
    """

    study: str
    patient: str
    edv_ml: float | None
    esv_ml: float | None
    true_edv_ml: float | None
    true_esv_ml: float | None

    @property
    def ejection_fraction_percent(self) -> float | None:
        """Measured ejection fraction in percent."""
        return _ejection_fraction(self.edv_ml, self.esv_ml)

    @property
    def true_ejection_fraction_percent(self) -> float | None:
        """True ejection fraction in percent."""
        return _ejection_fraction(self.true_edv_ml, self.true_esv_ml)


@dataclass(frozen=True)
class ComparisonCrps:
    """CRPS of the Data Science Bowl, see `volume_crps`.

    Attributes:
        mean: Mean over all volumes.
        edv: Mean over the end-diastolic volumes.
        esv: Mean over the end-systolic volumes.
        volumes: Number of volumes.
        unknown: How many of these were not measured. They have the distribution of the fit's true volumes.
        folds: Largest number of folds of the patients. None if the calibrations were given.
    """

    mean: float
    edv: float
    esv: float
    volumes: int
    unknown: int
    folds: int | None


@dataclass(frozen=True)
class VolumeComparison:
    """Comparison of measured and true volumes.

    Attributes:
        volumes: Path of the measured volumes.
        truth: Path of the true volumes.
        studies: The studies that both tables have.
        edv_ml: Agreement of the end-diastolic volumes, mL. None if no study has both.
        esv_ml: Agreement of the end-systolic volumes, mL.
        ejection_fraction_percent: Agreement of the ejection fractions, in percentage points.
        crps: CRPS. None if it is unknown.
        crps_missing_reason: Why the CRPS is unknown. None if it is known.
        problems: Rows and cells that were left out, and studies that only one table has, one line each.
    """

    volumes: str
    truth: str
    studies: tuple[ComparedStudy, ...]
    edv_ml: VolumeAgreement | None
    esv_ml: VolumeAgreement | None
    ejection_fraction_percent: VolumeAgreement | None
    crps: ComparisonCrps | None
    crps_missing_reason: str | None
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with the number of studies."""
        return {**asdict(self), "studies": len(self.studies)}

    def pairs(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the measured and the true values of the studies that have both.

        Args:
            name: "edv_ml", "esv_ml" or "ejection_fraction_percent".

        Returns:
            Two arrays of shape (studies,).
        """
        return _pairs(self.studies, name)

    def fit_calibrations(self) -> VolumeCalibrations:
        """Return calibrations fitted on all studies, for other patients.

        Raises:
            DataError: Fewer than five studies have both a measured and a true volume.
        """
        fitted = []
        for name in ("edv_ml", "esv_ml"):
            measured, true = _values(self.studies, name), _values(self.studies, f"true_{name}")
            count = len(self.pairs(name)[0])
            if count < MIN_FIT:
                expected = f"{MIN_FIT} studies or more with {name} and its true value"
                raise DataError(self.volumes, "has too few volumes for a fit", expected=expected, got=str(count))
            fitted.append(fit_volume_calibration(measured[~np.isnan(true)], true[~np.isnan(true)]))
        return VolumeCalibrations(tuple(dict.fromkeys(study.patient for study in self.studies)), *fitted)


def compare_volumes(
    volumes: VolumeTable, truth: VolumeTable, *, calibrations: VolumeCalibrations | None = None, folds: int = 10
) -> VolumeComparison:
    """Compare measured volumes with true ones.

    The CRPS needs a distribution of each volume. Without `calibrations` they are fitted in folds of patients, so that
    no patient is scored by a fit that saw it. All studies of both tables count; a study whose volume was not measured
    has the distribution of the true volumes of the fit's patients.

    Args:
        volumes: Measured volumes, see `keras_lvseg.io.read_volume_table`.
        truth: True volumes.
        calibrations: Calibrations of other patients.
        folds: Number of folds of patients; at most one per patient is used.

    Raises:
        DataError: No study is in both tables, or `calibrations` were fitted on a patient of them.

    Example:
        >>> from pathlib import Path
        >>> from keras_lvseg.io import VolumeRow
        >>> edv = (("1", 101.0, 100.0), ("2", 148.0, 150.0), ("3", 210.0, 200.0))
        >>> measured = VolumeTable(Path("volumes.csv"), tuple(VolumeRow(name, name, x, x / 2) for name, x, _ in edv))
        >>> truth = VolumeTable(Path("train.csv"), tuple(VolumeRow(name, name, y, y / 2) for name, _, y in edv))
        >>> comparison = compare_volumes(measured, truth)
        >>> comparison.edv_ml.bias, comparison.esv_ml.bias, comparison.ejection_fraction_percent.bias
        (3.0, 1.5, 0.0)
        >>> comparison.crps_missing_reason
        'the fit needs 5 known volumes or more of the patients outside each fold'
    """
    studies, lonely = _join(volumes, truth)
    if calibrations is not None:
        seen = sorted({study.patient for study in studies} & set(calibrations.patients))
        if seen:
            got = f"{len(seen)} that it was fitted on, such as {seen[0]!r}"
            raise DataError(volumes.path, "cannot be scored by this calibration", expected="other patients", got=got)
    crps, reason = _crps(studies, calibrations, folds)
    return VolumeComparison(
        volumes=str(volumes.path),
        truth=str(truth.path),
        studies=studies,
        edv_ml=_agreement(studies, "edv_ml"),
        esv_ml=_agreement(studies, "esv_ml"),
        ejection_fraction_percent=_agreement(studies, "ejection_fraction_percent"),
        crps=crps,
        crps_missing_reason=reason,
        problems=(*volumes.problems, *truth.problems, *lonely),
    )


def _join(volumes: VolumeTable, truth: VolumeTable) -> tuple[tuple[ComparedStudy, ...], list[str]]:
    """Return the studies of both tables, and a line for each study that only one of them has."""
    true = {row.study: row for row in truth.rows}
    studies = tuple(
        ComparedStudy(row.study, row.patient, row.edv_ml, row.esv_ml, true[row.study].edv_ml, true[row.study].esv_ml)
        for row in volumes.rows
        if row.study in true
    )
    if not studies:
        got = f"{volumes.rows[0].study!r} and {truth.rows[0].study!r}, for example"
        raise DataError(volumes.path, f"has no study of {truth.path}", "see --key", "the same names in both", got)
    measured = {row.study for row in volumes.rows}
    lonely = [
        f"{own.path}: study {row.study!r} is not in {other.path}"
        for own, other, names in ((volumes, truth, true), (truth, volumes, measured))
        for row in own.rows
        if row.study not in names
    ]
    return studies, lonely


def _crps(
    studies: Sequence[ComparedStudy], calibrations: VolumeCalibrations | None, folds: int
) -> tuple[ComparisonCrps | None, str | None]:
    """Return the CRPS, or None and the reason."""
    scores, unknown = {}, 0
    for name in ("edv", "esv"):
        measured, true = _values(studies, f"{name}_ml"), _values(studies, f"true_{name}_ml")
        scored = ~np.isnan(true)
        measured, true = measured[scored], true[scored]
        patients = [study.patient for study, own in zip(studies, scored, strict=True) if own]
        if calibrations is not None:
            probabilities = getattr(calibrations, name).distributions(measured)
        else:
            try:
                probabilities = held_out_distributions(measured, true, patients, folds=folds)
            except ValueError:
                return None, f"the fit needs {MIN_FIT} known volumes or more of the patients outside each fold"
        if not len(true):
            return None, f"no true {name.upper()} is known"
        scores[name] = volume_crps(probabilities, true)
        unknown += int(np.isnan(measured).sum())
    both = np.concatenate([*scores.values()])
    crps = ComparisonCrps(
        mean=float(both.mean()),
        edv=float(scores["edv"].mean()),
        esv=float(scores["esv"].mean()),
        volumes=both.size,
        unknown=unknown,
        folds=None if calibrations is not None else min(folds, len({study.patient for study in studies})),
    )
    return crps, None


def _agreement(studies: Sequence[ComparedStudy], name: str) -> VolumeAgreement | None:
    pairs = _pairs(studies, name)
    return volume_agreement(*pairs) if len(pairs[0]) else None


def _values(studies: Sequence[ComparedStudy], name: str) -> np.ndarray:
    return np.array([math.nan if (value := getattr(study, name)) is None else value for study in studies], dtype=float)


def _pairs(studies: Sequence[ComparedStudy], name: str) -> tuple[np.ndarray, np.ndarray]:
    measured, true = _values(studies, name), _values(studies, f"true_{name}")
    both = ~(np.isnan(measured) | np.isnan(true))
    return measured[both], true[both]


def _ejection_fraction(edv_ml: float | None, esv_ml: float | None) -> float | None:
    return ejection_fraction(edv_ml, esv_ml) if edv_ml and esv_ml is not None else None
