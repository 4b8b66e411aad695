"""A network on labelled frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_lvseg.data.frames import Frame
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.data.targets import Target, label
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference.predict import predict_masks
from keras_lvseg.inference.scores import Scores, score


@dataclass(frozen=True)
class Evaluation:
    """What came of it: scores, and what they are scores of, frame by frame."""

    target: Target
    scores: Scores
    frames: tuple[Frame, ...]
    labels: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]


def evaluate(
    model: keras.Model,
    frames: Sequence[Frame],
    preprocessing: Preprocessing,
    target: Target = "endocardium",
    contour_origin: float = CONTOUR_ORIGIN,
    roles: Mapping[str, str] | None = None,
) -> Evaluation:
    """Score a network on the frames' own grids: what a crop cuts away counts as the error that it is.

    Args:
        model: A network that gives logits of shape (batch, H, W, classes).
        frames: Frames with the target's contours.
        preprocessing: What the network was trained with.
        target: What it was trained to find.
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        roles: By patient, the split that the patient stood in when the network was trained; "new" for others.

    Returns:
        Scores, labels and masks.
    """
    labels = tuple(label(frame, target, contour_origin) for frame in frames)
    masks = tuple(predict_masks(model, frames, preprocessing))
    return Evaluation(target, score(frames, labels, masks, roles or {}), tuple(frames), labels, masks)
