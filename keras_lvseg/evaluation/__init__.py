"""Distances in mm and the MICCAI 2009 challenge's score: NumPy in, NumPy out, no Keras."""

from keras_lvseg.evaluation.challenge2009 import (
    ChallengeScore,
    ContourScore,
    MeanSD,
    PatientChallengeScore,
    challenge_score,
    score_contour,
)
from keras_lvseg.evaluation.mask_contour import mask_outline
from keras_lvseg.evaluation.perpendicular_distance import average_perpendicular_distance
from keras_lvseg.evaluation.surface_distances import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)

__all__ = [
    "ChallengeScore",
    "ContourScore",
    "MeanSD",
    "PatientChallengeScore",
    "average_perpendicular_distance",
    "average_symmetric_surface_distance",
    "challenge_score",
    "hausdorff_distance",
    "mask_outline",
    "score_contour",
    "surface_distances",
]
