"""An evaluation as files."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from keras_lvseg.evaluation import Evaluation
from keras_lvseg.files import write_json, write_rows
from keras_lvseg.reporting.contact_sheet import write_contact_sheet


@dataclass(frozen=True)
class EvaluationFiles:
    """Where the files lie.

    Attributes:
        scores: Dice by image, by patient and overall, JSON.
        images: Dice by image, CSV.
        challenge: The challenge's score by contour, by patient and overall, JSON.
        challenge_patients: The same by patient, CSV.
        contact_sheet: Pictures, PNG.
    """

    scores: Path
    images: Path
    challenge: Path
    challenge_patients: Path
    contact_sheet: Path


def write_evaluation(evaluation: Evaluation, folder: Path) -> EvaluationFiles:
    """Write scores and pictures, in place of those of an earlier evaluation.

    Args:
        evaluation: What to write.
        folder: Where.
    """
    files = EvaluationFiles(
        scores=folder / "scores.json",
        images=folder / "images.csv",
        challenge=folder / "challenge.json",
        challenge_patients=folder / "challenge.csv",
        contact_sheet=folder / "contact_sheet.png",
    )
    write_json(files.scores, asdict(evaluation.scores))
    write_rows(files.images, [asdict(image) for image in evaluation.scores.images])
    write_json(files.challenge, evaluation.challenge.as_dict())
    write_rows(files.challenge_patients, evaluation.challenge.patient_rows())
    dices = [image.dice for image in evaluation.scores.images]
    write_contact_sheet(evaluation.frames, evaluation.labels, evaluation.masks, dices, files.contact_sheet)
    return files
