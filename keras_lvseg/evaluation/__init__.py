"""Dice, distances in mm and the score of the MICCAI 2009 challenge, of arrays and without Keras."""

from keras_lvseg.evaluation.array_dice import dice
from keras_lvseg.evaluation.challenge2009 import (
    ChallengeScore,
    ContourScore,
    MeanSD,
    PatientChallengeScore,
    challenge_score,
    score_contour,
)
from keras_lvseg.evaluation.evaluation import Evaluation
from keras_lvseg.evaluation.perpendicular_distance import average_perpendicular_distance
from keras_lvseg.evaluation.scores import ImageScore, PatientScore, Scores, score_masks
from keras_lvseg.evaluation.surface_distances import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)

__all__ = [
    "ChallengeScore",
    "ContourScore",
    "Evaluation",
    "ImageScore",
    "MeanSD",
    "PatientChallengeScore",
    "PatientScore",
    "Scores",
    "average_perpendicular_distance",
    "average_symmetric_surface_distance",
    "challenge_score",
    "dice",
    "hausdorff_distance",
    "score_contour",
    "score_masks",
    "surface_distances",
]
