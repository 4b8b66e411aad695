"""A trained network on a data set's labelled frames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.frames import Frame
from keras_lvseg.data.targets import Target, label
from keras_lvseg.errors import DataError
from keras_lvseg.inference.predict import predict_masks
from keras_lvseg.inference.scores import Scores, score
from keras_lvseg.training.run_folder import RunFolder

TRAINED_ON = ("train", "validation")
"""Splits whose patients a network has seen, or was followed along with."""


@dataclass(frozen=True)
class Evaluation:
    """What came of it: scores, and what they are scores of, frame by frame."""

    target: Target
    scores: Scores
    frames: tuple[Frame, ...]
    labels: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]


def evaluate(run: RunFolder, data_dir: str | os.PathLike[str], seen: bool = False) -> Evaluation:
    """Score a run's network on the frames' own grids: what a crop cut away counts as the error that it is.

    Args:
        run: A finished training run.
        data_dir: A folder with labelled data, in any tree that is known.
        seen: Score the patients that it was trained on as well.

    Raises:
        DataError: Run or data cannot be read, or there is nobody to score.
    """
    model = run.load_model()
    dataset = SAXDataset(data_dir, run.target(), contour_origin=run.contour_origin())
    roles = run.patients()
    frames = tuple(
        frame for frame in dataset.labelled_frames("all") if seen or roles.get(frame.patient_id) not in TRAINED_ON
    )
    if not frames:
        problem = f"has no labelled frame of a patient that {run.path} was not trained on"
        raise DataError(Path(data_dir), problem, "name other data, or ask for seen patients too")
    labels = tuple(label(frame, run.target(), run.contour_origin()) for frame in frames)
    masks = tuple(predict_masks(model, frames, run.preprocessing()))
    return Evaluation(run.target(), score(frames, labels, masks, roles), frames, labels, masks)
