"""The score of the MICCAI 2009 left ventricle segmentation challenge, and beside it what it leaves out.

The challenge calls an automatic contour good if its average perpendicular distance (APD) to the manual one is below
5 mm, and then takes the means of Dice and APD over good contours only: a bad contour, or a missing one, lowers the
percentage of good contours and nothing else. The figures that papers give by its rules are of this kind. Here the
same means over all contours stand beside them, and the Dice of all of a patient's slices together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.evaluation.array_dice import count_overlap, dice_from_counts
from keras_lvseg.evaluation.mask_contour import mask_outline
from keras_lvseg.evaluation.perpendicular_distance import average_perpendicular_distance
from keras_lvseg.evaluation.validation import boolean_mask, spacing_of
from keras_lvseg.geometry import polygon_mask

FIGURES = ("good_percent", "good_dice", "good_apd_mm", "all_dice", "all_apd_mm", "found_apd_mm", "dice_3d")
"""The figures of a `PatientChallengeScore` that are summed up over patients."""


@dataclass(frozen=True)
class ContourScore:
    """How well one image's automatic mask fits its manual contour.

    Attributes:
        patient_id: The patient.
        slice: Index of the slice.
        phase: Index of the phase.
        apd_mm: Average perpendicular distance from the mask's outline to the manual contour; inf where the mask is
            empty, for then the automatic contour is missing.
        dice: Of the mask and the pixels inside the manual contour; 0 where the automatic contour is missing.
        automatic_mm2: Area of the mask.
        manual_mm2: Area of the pixels inside the manual contour.
        common_mm2: Area of the pixels in both.
    """

    patient_id: str
    slice: int
    phase: int
    apd_mm: float
    dice: float
    automatic_mm2: float
    manual_mm2: float
    common_mm2: float

    @property
    def missing(self) -> bool:
        """Whether there is no automatic contour."""
        return math.isinf(self.apd_mm)


@dataclass(frozen=True)
class PatientChallengeScore:
    """One patient's score. What is said of "good" contours is the challenge's, all else stands beside it.

    Attributes:
        patient_id: The patient.
        contours: How many manual contours there are.
        missing: For how many of them there is no automatic contour.
        good: For how many there is a good one.
        good_percent: The same, of all manual contours.
        good_dice: Mean Dice over good contours; nan where none is good.
        good_apd_mm: Mean APD over good contours; nan where none is good.
        all_dice: Mean Dice over all manual contours; a missing automatic contour counts as 0.
        all_apd_mm: Mean APD over all manual contours; inf as soon as one automatic contour is missing. No distance
            can stand for a missing contour: any number would make it better to leave out a contour that is worse.
        found_apd_mm: Mean APD over the automatic contours that there are, good or bad, to be read together with
            `missing`; nan where there are none.
        dice_3d: Dice of all slices together, as of one solid, both phases.
    """

    patient_id: str
    contours: int
    missing: int
    good: int
    good_percent: float
    good_dice: float
    good_apd_mm: float
    all_dice: float
    all_apd_mm: float
    found_apd_mm: float
    dice_3d: float


@dataclass(frozen=True)
class MeanSD:
    """A figure over patients, each counting once, as papers print it.

    Attributes:
        mean: Mean over patients.
        sd: Their standard deviation, of a sample (n - 1); nan for fewer than two patients, or an infinite mean.
        patients: How many patients have such a figure; those without a good contour have no Dice of good ones.
    """

    mean: float
    sd: float
    patients: int


@dataclass(frozen=True)
class ChallengeScore:
    """The challenge's score, by contour, by patient and over patients.

    Attributes:
        good_below_mm: The APD that a good contour stays below.
        contours: By contour.
        patients: By patient, in the order of their first contours.
        overall: Over patients, by the name of the figure, see `FIGURES`.
    """

    good_below_mm: float
    contours: tuple[ContourScore, ...]
    patients: tuple[PatientChallengeScore, ...]
    overall: dict[str, MeanSD]

    def contour_rows(self) -> list[dict[str, Any]]:
        """A row of plain values a contour, for CSV or JSON; None where there is no finite figure."""
        return [
            _plain({**asdict(contour), "missing": contour.missing, "good": contour.apd_mm < self.good_below_mm})
            for contour in self.contours
        ]

    def patient_rows(self) -> list[dict[str, Any]]:
        """A row of plain values a patient, for CSV or JSON; None where there is no finite figure."""
        return [_plain(asdict(patient)) for patient in self.patients]

    def as_dict(self) -> dict[str, Any]:
        """All of it in plain values, for JSON."""
        return {
            "good_below_mm": self.good_below_mm,
            "overall": {name: _plain(asdict(figure)) for name, figure in self.overall.items()},
            "patients": self.patient_rows(),
            "contours": self.contour_rows(),
        }


def score_contour(
    mask: ArrayLike, manual: ArrayLike, pixel_spacing: ArrayLike, *, patient_id: str, slice: int, phase: int
) -> ContourScore:
    """Score one automatic mask against the manual contour of its image.

    Dice is of the mask as it is, stray pieces and holes included. The APD needs one contour, and takes the outer
    outline of the mask's largest piece (see `mask_outline`).

    Args:
        mask: Automatic mask of the cavity (or of all inside the epicardium), boolean or of 0 and 1, on the image's
            own grid.
        manual: Manual contour of the same, shape (points, 2): x and y in zero-based pixel centres.
        pixel_spacing: mm between rows and mm between columns.
        patient_id: The patient, by which `challenge_score` groups.
        slice: Index of the slice, to tell contours apart.
        phase: Index of the phase, to tell contours apart.

    Returns:
        The score; a mask without a pixel counts as a missing contour.

    Raises:
        ValueError: Mask, contour or spacing are not what they should be.

    Example:
        >>> mask = np.zeros((8, 8), bool)
        >>> mask[2:6, 2:6] = True
        >>> manual = [[1.5, 1.5], [5.5, 1.5], [5.5, 6.5], [1.5, 6.5]]
        >>> score = score_contour(mask, manual, (1.5, 1.5), patient_id="A", slice=4, phase=0)
        >>> round(score.apd_mm, 3), round(score.dice, 3)
        (0.281, 0.889)
    """
    automatic = boolean_mask("mask", mask, (2,))
    apd = average_perpendicular_distance(mask_outline(automatic), manual, pixel_spacing)
    inside = polygon_mask(np.asarray(manual), automatic.shape)
    counts = count_overlap(automatic, inside)
    areas = np.array(counts) * np.prod(spacing_of(pixel_spacing, 2))
    return ContourScore(patient_id, slice, phase, apd, dice_from_counts(*counts, empty_score=0.0), *areas.tolist())


def challenge_score(contours: Iterable[ContourScore], good_below: float = 5.0) -> ChallengeScore:
    """Sum up contours' scores by the challenge's rules, and over all contours.

    Args:
        contours: One for every manual contour, those without an automatic one included: what is left out here is
            left out of every figure.
        good_below: mm; a contour is good if its APD is less. 5 by the rules that papers follow (version 1.0 of the
            organisers' code), 4 by the edition before (version 0.9).

    Returns:
        The score.

    Raises:
        ValueError: There are no contours, or `good_below` is not a positive number.

    Example:
        >>> a = ContourScore("A", 0, 0, apd_mm=2.0, dice=0.9, automatic_mm2=90, manual_mm2=110, common_mm2=90)
        >>> b = ContourScore("A", 1, 0, math.inf, dice=0.0, automatic_mm2=0, manual_mm2=40, common_mm2=0)
        >>> (patient,) = challenge_score([a, b]).patients
        >>> patient.good_percent, patient.good_dice, patient.all_dice, patient.dice_3d
        (50.0, 0.9, 0.45, 0.75)
    """
    contours = tuple(contours)
    if not contours:
        raise ValueError("there are no contours to score")
    if not (math.isfinite(good_below) and good_below > 0):
        raise ValueError(f"good_below needs to be a positive number of mm; received {good_below}")
    patients = tuple(
        _patient_score([contour for contour in contours if contour.patient_id == patient], good_below)
        for patient in dict.fromkeys(contour.patient_id for contour in contours)
    )
    overall = {figure: _mean_sd([getattr(patient, figure) for patient in patients]) for figure in FIGURES}
    return ChallengeScore(float(good_below), contours, patients, overall)


def _patient_score(contours: Sequence[ContourScore], good_below: float) -> PatientChallengeScore:
    good = [contour for contour in contours if contour.apd_mm < good_below]
    found = [contour for contour in contours if not contour.missing]
    areas = [(contour.automatic_mm2, contour.manual_mm2, contour.common_mm2) for contour in contours]
    return PatientChallengeScore(
        patient_id=contours[0].patient_id,
        contours=len(contours),
        missing=len(contours) - len(found),
        good=len(good),
        good_percent=100 * len(good) / len(contours),
        good_dice=_mean([contour.dice for contour in good]),
        good_apd_mm=_mean([contour.apd_mm for contour in good]),
        all_dice=_mean([contour.dice for contour in contours]),
        all_apd_mm=_mean([contour.apd_mm for contour in contours]),
        found_apd_mm=_mean([contour.apd_mm for contour in found]),
        dice_3d=dice_from_counts(*np.sum(areas, axis=0).tolist(), empty_score=0.0),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan


def _mean_sd(values: Sequence[float]) -> MeanSD:
    values = [value for value in values if not math.isnan(value)]
    mean = _mean(values)
    sd = float(np.std(values, ddof=1)) if len(values) > 1 and math.isfinite(mean) else math.nan
    return MeanSD(mean, sd, len(values))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """JSON knows neither inf nor nan."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
