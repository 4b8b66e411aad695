"""How well masks fit their labels, by image, by patient and over a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keras_lvseg.metrics import DiceCoefficient
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class ImageScore:
    """One image's Dice."""

    patient_id: str
    slice: int
    phase: int
    dice: float


@dataclass(frozen=True)
class PatientScore:
    """One patient's Dice.

    Attributes:
        patient_id: The patient.
        role: The split that the patient stood in when the network was trained, "new" for one in none.
        images: How many labelled images there are; all of them count.
        mean_dice: Mean over the images of each image's Dice.
        pooled_dice: One Dice of all the patient's pixels together, as of one solid.
    """

    patient_id: str
    role: str
    images: int
    mean_dice: float
    pooled_dice: float


@dataclass(frozen=True)
class Scores:
    """Dice on the frames' own grids.

    Attributes:
        images: By image.
        patients: By patient.
        mean_dice: Mean over all images of each image's Dice.
        pooled_dice: One Dice of all pixels of the data set.
    """

    images: tuple[ImageScore, ...]
    patients: tuple[PatientScore, ...]
    mean_dice: float
    pooled_dice: float


def score(
    frames: Sequence[Frame],
    labels: Sequence[np.ndarray],
    masks: Sequence[np.ndarray],
    roles: Mapping[str, str],
    class_id: int = 1,
) -> Scores:
    """Score masks.

    Args:
        frames: The frames, in any order.
        labels: Class numbers for each, of the frame's shape.
        masks: The same, predicted.
        roles: By patient, see `PatientScore`.
        class_id: The class to score.

    Returns:
        The scores.
    """
    pairs = list(zip(frames, labels, masks, strict=True))
    images = tuple(
        ImageScore(frame.patient_id, frame.slice, frame.phase, _dice([(label, mask)], class_id))
        for frame, label, mask in pairs
    )
    patients = []
    for patient in dict.fromkeys(frame.patient_id for frame in frames):
        own = [image.dice for image in images if image.patient_id == patient]
        pooled = _dice([(label, mask) for frame, label, mask in pairs if frame.patient_id == patient], class_id)
        role = roles.get(patient, "new")
        patients.append(PatientScore(patient, role, len(own), float(np.mean(own)), pooled))
    overall = float(np.mean([image.dice for image in images]))
    return Scores(images, tuple(patients), overall, _dice([pair[1:] for pair in pairs], class_id))


def _dice(pairs: Sequence[tuple[np.ndarray, np.ndarray]], class_id: int) -> float:
    """One Dice of all pixels together; frames may differ in size."""
    metric = DiceCoefficient(class_id, average="dataset")
    for label, mask in pairs:
        metric.update_state(label[None].astype("int32"), mask[None].astype("int32"))
    return float(metric.result())
