"""The result of an evaluation: scores and the masks they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_lvseg.data.labels import Target
from keras_lvseg.evaluation.challenge2009 import ChallengeScore
from keras_lvseg.evaluation.scores import Scores
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class Evaluation:
    """Scores of predicted masks, with frames, labels and masks in the same order.

    Attributes:
        target: "endocardium" or "myocardium".
        scores: Dice of class 1, the cavity, over all frames.
        myocardium: Dice of class 2 over the frames with both contours. None if there are none, or for the target
            "endocardium".
        challenge: Score of the endocardial contour by the rules of the 2009 challenge.
        frames: The frames.
        labels: Class numbers per frame, on its native grid. 3 is "background or myocardium", in frames without an
            epicardial contour.
        masks: Predicted class numbers per frame, on its native grid.
    """

    target: Target
    scores: Scores
    myocardium: Scores | None
    challenge: ChallengeScore
    frames: tuple[Frame, ...]
    labels: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]
