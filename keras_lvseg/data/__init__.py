"""Frames, patients and data sets of short-axis cine MRI, from any tree that they are found in."""

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.dataset import SAXDataset
from keras_lvseg.data.splits import patient_folds, patient_split
from keras_lvseg.data.sunnybrook import OFFICIAL_SPLITS, SunnybrookSAXDataset

__all__ = [
    "OFFICIAL_SPLITS",
    "Augmentation",
    "SAXDataset",
    "SunnybrookSAXDataset",
    "patient_folds",
    "patient_split",
]
