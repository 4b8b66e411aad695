"""Segmentation of images and evaluation of networks."""

from keras_lvseg.inference.evaluate_network import evaluate
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.inference.predict import predict_masks, predict_probabilities
from keras_lvseg.inference.segmentation import Segmentation
from keras_lvseg.inference.segmenter import Segmenter
from keras_lvseg.inference.trained_network import TrainedNetwork

__all__ = [
    "Segmentation",
    "Segmenter",
    "TrainedNetwork",
    "evaluate",
    "keep_best_component",
    "predict_masks",
    "predict_probabilities",
]
