"""Score of the MICCAI 2009 left ventricle segmentation challenge, with the same means over all contours beside it.

The challenge calls an automatic contour good if its average perpendicular distance (APD) to the manual one is below
5 mm. Its means of Dice and APD are over good contours only. So a bad or missing contour lowers only the percentage of
good contours. Papers report figures by these rules. The same means over all contours stand beside them here, with the
Dice of all of a patient's slices together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument
from keras_lvseg.evaluation.array_dice import count_overlap, dice_from_counts
from keras_lvseg.evaluation.perpendicular_distance import average_perpendicular_distance
from keras_lvseg.geometry import largest_contour, polygon_mask
from keras_lvseg.geometry.validation import boolean_mask, check_spacing

FIGURES = ("good_percent", "good_dice", "good_apd_mm", "all_dice", "all_apd_mm", "found_apd_mm", "dice_3d")
"""The figures of a `PatientChallengeScore` that are averaged over patients."""


@dataclass(frozen=True)
class ContourScore:
    """Score of one image's automatic mask against its manual contour.

    Attributes:
        patient_id: The patient.
        slice: Index of the slice.
        phase: Index of the phase.
        apd_mm: Average perpendicular distance from the mask's contour to the manual one in mm; inf if the mask is
            empty, because the automatic contour is missing.
        dice: Dice of the mask and the pixels inside the manual contour; 0 if the automatic contour is missing.
        automatic_mm2: Area of the mask in mm2.
        manual_mm2: Area of the pixels inside the manual contour in mm2.
        common_mm2: Area of the pixels in both in mm2.
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
    """Score of one patient. The figures of good contours follow the challenge's rules, the others do not.

    Attributes:
        patient_id: The patient.
        contours: Number of manual contours.
        missing: Number of manual contours without an automatic one.
        good: Number of good automatic contours.
        good_percent: Good contours in percent of all manual contours.
        good_dice: Mean Dice over good contours; nan if none is good.
        good_apd_mm: Mean APD over good contours; nan if none is good.
        all_dice: Mean Dice over all manual contours; a missing automatic contour counts as 0.
        all_apd_mm: Mean APD over all manual contours; inf if one automatic contour is missing. No finite distance can
            stand for a missing contour, because leaving out a worse contour would then improve the mean.
        found_apd_mm: Mean APD over the existing automatic contours, good or bad; nan if there are none. Read it
            together with `missing`.
        dice_3d: Dice of all slices together, both phases.
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
    """Mean and standard deviation of a figure over patients, each of whom counts once.

    Attributes:
        mean: Mean over patients.
        sd: Standard deviation of the sample (n - 1); nan for fewer than two patients or an infinite mean.
        patients: Number of patients with this figure. A patient without a good contour has no Dice of good ones.
    """

    mean: float
    sd: float
    patients: int


@dataclass(frozen=True)
class ChallengeScore:
    """Score of the challenge by contour, by patient and over patients.

    Attributes:
        good_below_mm: The APD in mm below which a contour is good.
        contours: By contour.
        patients: By patient, in the order of their first contours.
        overall: Over patients, by the name of the figure, see `FIGURES`.
    """

    good_below_mm: float
    contours: tuple[ContourScore, ...]
    patients: tuple[PatientChallengeScore, ...]
    overall: dict[str, MeanSD]

    def contour_rows(self) -> list[dict[str, Any]]:
        """Return one row of plain values per contour, for CSV or JSON. A figure that is not finite is None."""
        return [
            _plain({**asdict(contour), "missing": contour.missing, "good": contour.apd_mm < self.good_below_mm})
            for contour in self.contours
        ]

    def patient_rows(self) -> list[dict[str, Any]]:
        """Return one row of plain values per patient, for CSV or JSON. A figure that is not finite is None."""
        return [_plain(asdict(patient)) for patient in self.patients]

    def as_dict(self) -> dict[str, Any]:
        """Return the whole score as plain values, for JSON."""
        return {
            "good_below_mm": self.good_below_mm,
            "overall": {name: _plain(asdict(figure)) for name, figure in self.overall.items()},
            "patients": self.patient_rows(),
            "contours": self.contour_rows(),
        }


def score_contour(
    mask: ArrayLike, manual: ArrayLike, *, pixel_spacing: ArrayLike, patient_id: str, slice: int, phase: int
) -> ContourScore:
    """Score one automatic mask against the manual contour of its image.

    Dice is of the whole mask, with its stray components and holes. The APD is of one contour, around the mask's
    largest component (see `keras_lvseg.geometry.largest_contour`).

    Args:
        mask: Automatic mask of the cavity, or of everything inside the epicardium, on the image's native grid.
            Booleans, or 0 and 1.
        manual: Manual contour of the same, shape (points, 2): x and y in zero-based pixel centres.
        pixel_spacing: mm between rows and mm between columns.
        patient_id: The patient, by which `challenge_score` groups.
        slice: Index of the slice.
        phase: Index of the phase.

    Returns:
        The score. A mask without a pixel counts as a missing contour.

    Raises:
        ValueError: The mask, the contour or the spacing is invalid.

    Example:
        >>> mask = np.zeros((8, 8), bool)
        >>> mask[2:6, 2:6] = True
        >>> manual = [[1.5, 1.5], [5.5, 1.5], [5.5, 6.5], [1.5, 6.5]]
        >>> score = score_contour(mask, manual, pixel_spacing=(1.5, 1.5), patient_id="A", slice=4, phase=0)
        >>> round(score.apd_mm, 3), round(score.dice, 3)
        (0.281, 0.889)
    """
    automatic = boolean_mask("mask", mask)
    apd = average_perpendicular_distance(largest_contour(automatic), manual, spacing=pixel_spacing)
    counts = count_overlap(automatic, polygon_mask(manual, automatic.shape))
    areas = np.array(counts) * np.prod(check_spacing(pixel_spacing, 2))
    return ContourScore(patient_id, slice, phase, apd, dice_from_counts(*counts, empty_score=0.0), *areas.tolist())


def challenge_score(contours: Iterable[ContourScore], *, good_below: float = 5.0) -> ChallengeScore:
    """Summarise contours' scores by the challenge's rules, and over all contours.

    Args:
        contours: One score per manual contour, including those without an automatic contour.
        good_below: A contour is good if its APD is below this, in mm. Papers follow version 1.0 of the organisers'
            code, with 5. Version 0.9 used 4.

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
        raise invalid_argument("contours", contours, "one score or more")
    if not (math.isfinite(good_below) and good_below > 0):
        raise invalid_argument("good_below", good_below, "a positive number of mm")
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
    """Return the row with None for inf and nan, which JSON lacks."""
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
