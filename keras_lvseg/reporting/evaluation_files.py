"""Files of an evaluation."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from keras_lvseg.data.labels import MERGED_CLASSES
from keras_lvseg.evaluation import Evaluation
from keras_lvseg.files import write_json, write_rows
from keras_lvseg.reporting.contact_sheet import write_contact_sheet


@dataclass(frozen=True)
class EvaluationFiles:
    """Paths of the files of an evaluation.

    Attributes:
        scores: Dice by image, by patient and overall, JSON, with that of the myocardium under the key "myocardium".
        images: Dice of the cavity and of the myocardium by image, CSV.
        challenge: Score of the 2009 challenge by contour, by patient and overall, JSON.
        challenge_patients: Score of the 2009 challenge by patient, CSV.
        contact_sheet: Images, labels and predictions, PNG.
    """

    scores: Path
    images: Path
    challenge: Path
    challenge_patients: Path
    contact_sheet: Path


def write_evaluation(evaluation: Evaluation, folder: str | os.PathLike[str]) -> EvaluationFiles:
    """Write scores and images. Files of an earlier evaluation are replaced.

    Args:
        evaluation: Result of `keras_lvseg.inference.evaluate`.
        folder: The output folder.

    Returns:
        The paths of the files.

    Raises:
        DataError: An image cannot be read.
    """
    folder = Path(folder)
    files = EvaluationFiles(
        scores=folder / "scores.json",
        images=folder / "images.csv",
        challenge=folder / "challenge.json",
        challenge_patients=folder / "challenge.csv",
        contact_sheet=folder / "contact_sheet.png",
    )
    wall = evaluation.myocardium
    write_json(files.scores, {**asdict(evaluation.scores), "myocardium": None if wall is None else asdict(wall)})
    write_rows(files.images, _image_rows(evaluation))
    write_json(files.challenge, evaluation.challenge.as_dict())
    write_rows(files.challenge_patients, evaluation.challenge.patient_rows())
    write_contact_sheet(
        files.contact_sheet,
        evaluation.frames,
        labels=[np.where(np.isin(label, list(MERGED_CLASSES)), 0, label) for label in evaluation.labels],
        masks=evaluation.masks,
        dices=[image.dice for image in evaluation.scores.images],
    )
    return files


def _image_rows(evaluation: Evaluation) -> list[dict[str, object]]:
    """Return a row per image. The Dice of the myocardium is empty if it is unknown."""
    wall = evaluation.myocardium.images if evaluation.myocardium else ()
    by_place = {(image.patient_id, image.slice, image.phase): image.dice for image in wall}
    return [
        {**asdict(image), "myocardium_dice": by_place.get((image.patient_id, image.slice, image.phase), "")}
        for image in evaluation.scores.images
    ]
