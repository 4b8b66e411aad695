"""Scores of masks and volumes, of arrays and without Keras."""

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
from keras_lvseg.evaluation.held_out_distributions import held_out_distributions
from keras_lvseg.evaluation.perpendicular_distance import average_perpendicular_distance
from keras_lvseg.evaluation.scores import ImageScore, PatientScore, Scores, score_masks
from keras_lvseg.evaluation.surface_distances import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)
from keras_lvseg.evaluation.volume_agreement import VolumeAgreement, volume_agreement
from keras_lvseg.evaluation.volume_calibration import VolumeCalibration, fit_volume_calibration
from keras_lvseg.evaluation.volume_calibrations import VolumeCalibrations, read_volume_calibrations
from keras_lvseg.evaluation.volume_comparison import (
    ComparedStudy,
    ComparisonCrps,
    VolumeComparison,
    compare_volumes,
)
from keras_lvseg.evaluation.volume_crps import volume_crps, volume_distribution

__all__ = [
    "ChallengeScore",
    "ComparedStudy",
    "ComparisonCrps",
    "ContourScore",
    "Evaluation",
    "ImageScore",
    "MeanSD",
    "PatientChallengeScore",
    "PatientScore",
    "Scores",
    "VolumeAgreement",
    "VolumeCalibration",
    "VolumeCalibrations",
    "VolumeComparison",
    "average_perpendicular_distance",
    "average_symmetric_surface_distance",
    "challenge_score",
    "compare_volumes",
    "dice",
    "fit_volume_calibration",
    "hausdorff_distance",
    "held_out_distributions",
    "read_volume_calibrations",
    "score_contour",
    "score_masks",
    "surface_distances",
    "volume_agreement",
    "volume_crps",
    "volume_distribution",
]
