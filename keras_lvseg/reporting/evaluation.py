"""An evaluation as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.inference.evaluate import Evaluation
from keras_lvseg.reporting.contact_sheet import write_contact_sheet


@dataclass(frozen=True)
class EvaluationFiles:
    """Where the files lie: all scores as JSON, the images' as CSV, and pictures."""

    scores: Path
    images: Path
    contact_sheet: Path


def write_evaluation(evaluation: Evaluation, folder: Path) -> EvaluationFiles:
    """Write scores and pictures, in place of those of an earlier evaluation.

    Args:
        evaluation: What to write.
        folder: Where.
    """
    files = EvaluationFiles(folder / "scores.json", folder / "images.csv", folder / "contact_sheet.png")
    evaluation.scores.write_json(files.scores)
    evaluation.scores.write_csv(files.images)
    dices = [image.dice for image in evaluation.scores.images]
    write_contact_sheet(evaluation.frames, evaluation.labels, evaluation.masks, dices, files.contact_sheet)
    return files
