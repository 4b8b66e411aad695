"""Synthetic beating hearts with known volumes, written as real DICOM and contour files."""

from keras_lvseg.phantom.cohort import write_phantom
from keras_lvseg.phantom.phantom_patient import PHANTOM_VERSION, PhantomTruth

__all__ = ["PHANTOM_VERSION", "PhantomTruth", "write_phantom"]
