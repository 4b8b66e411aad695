"""Dice by image, by patient and over a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_lvseg.evaluation.array_dice import count_overlap, dice_from_counts
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class ImageScore:
    """Dice of one image.

    Attributes:
        patient_id: The patient.
        slice: Index of the slice.
        phase: Index of the phase.
        dice: Dice coefficient; 1 if neither label nor mask has a pixel of the class.
    """

    patient_id: str
    slice: int
    phase: int
    dice: float


@dataclass(frozen=True)
class PatientScore:
    """Dice of one patient.

    Attributes:
        patient_id: The patient.
        role: The patient's split when the network was trained, or "new" for a patient in no split.
        images: Number of labelled images; all of them count.
        mean_dice: Mean of the images' Dice coefficients.
        pooled_dice: Dice coefficient of all the patient's pixels together.
    """

    patient_id: str
    role: str
    images: int
    mean_dice: float
    pooled_dice: float


@dataclass(frozen=True)
class Scores:
    """Dice on the frames' native grids.

    Attributes:
        images: By image.
        patients: By patient, in the order of their first images.
        mean_dice: Mean of all images' Dice coefficients.
        pooled_dice: Dice coefficient of all pixels together.
    """

    images: tuple[ImageScore, ...]
    patients: tuple[PatientScore, ...]
    mean_dice: float
    pooled_dice: float


def score_masks(
    frames: Sequence[Frame],
    *,
    labels: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    roles: Mapping[str, str] | None = None,
    class_id: int = 1,
) -> Scores:
    """Return Dice by image, by patient and over all frames.

    Args:
        frames: One or more frames, in any order.
        labels: Class numbers per frame, of its shape.
        masks: Predicted class numbers per frame, of its shape.
        roles: Split by patient, see `PatientScore`.
        class_id: The class to score.

    Raises:
        ValueError: The sequences differ in length, or a label and its mask in shape; or one holds scores.

    Example:
        >>> from pathlib import Path
        >>> frame = Frame(Path("A-1.png"), "A", "A", rows=1, columns=3)
        >>> score_masks([frame], labels=[np.array([[1, 1, 0]])], masks=[np.array([[1, 0, 0]])]).mean_dice
        0.6666666666666666
    """
    counts = [count_overlap(mask, label, class_id=class_id) for label, mask in zip(labels, masks, strict=True)]
    images = tuple(
        ImageScore(frame.patient_id, frame.slice, frame.phase, dice_from_counts(*own))
        for frame, own in zip(frames, counts, strict=True)
    )
    patients = []
    for patient in dict.fromkeys(frame.patient_id for frame in frames):
        own = [i for i, frame in enumerate(frames) if frame.patient_id == patient]
        mean = float(np.mean([images[i].dice for i in own]))
        pooled = _pooled_dice([counts[i] for i in own])
        patients.append(PatientScore(patient, (roles or {}).get(patient, "new"), len(own), mean, pooled))
    mean = float(np.mean([image.dice for image in images]))
    return Scores(images, tuple(patients), mean, _pooled_dice(counts))


def _pooled_dice(counts: Sequence[tuple[int, int, int]]) -> float:
    return dice_from_counts(*map(sum, zip(*counts, strict=True)))
