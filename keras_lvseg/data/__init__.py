"""Data sets of short-axis cine MRI for training, from any known tree."""

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.augmentation_ops import apply_augmentation, source_points
from keras_lvseg.data.dataset import SAXDataset
from keras_lvseg.data.labels import draw_label, is_labelled
from keras_lvseg.data.official_splits import OFFICIAL_SPLITS
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.data.splits import choose_splits, patient_folds, patient_split
from keras_lvseg.data.sunnybrook import SunnybrookSAXDataset

__all__ = [
    "OFFICIAL_SPLITS",
    "Augmentation",
    "Preprocessing",
    "SAXDataset",
    "SunnybrookSAXDataset",
    "apply_augmentation",
    "choose_splits",
    "draw_label",
    "is_labelled",
    "patient_folds",
    "patient_split",
    "source_points",
]
