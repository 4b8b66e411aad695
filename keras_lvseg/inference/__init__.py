"""Segmentation of images and evaluation of networks."""

from keras_lvseg.inference.archives.cluster import open_cluster
from keras_lvseg.inference.consistency.one_heart import keep_one_heart
from keras_lvseg.inference.consistency.study_masks import StudyMasks
from keras_lvseg.inference.engines.engine import ENGINES
from keras_lvseg.inference.engines.export import Parity, export_network
from keras_lvseg.inference.evaluate_network import evaluate
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.inference.predict import predict_masks, predict_probabilities
from keras_lvseg.inference.result_folder import ResultFolder, RunSummary, open_results
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.segmenter import Segmenter
from keras_lvseg.inference.study_files import DEFAULT_OUTPUTS, OUTPUTS
from keras_lvseg.inference.study_segmentation import StudySegmentation
from keras_lvseg.inference.trained_network import TrainedNetwork

__all__ = [
    "DEFAULT_OUTPUTS",
    "ENGINES",
    "OUTPUTS",
    "Parity",
    "ResultFolder",
    "RunSummary",
    "Segmentation",
    "Segmenter",
    "StudyMasks",
    "StudySegmentation",
    "TrainedNetwork",
    "evaluate",
    "export_network",
    "keep_best_component",
    "keep_one_heart",
    "open_cluster",
    "open_results",
    "predict_masks",
    "predict_probabilities",
]
