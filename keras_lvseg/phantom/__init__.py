"""A synthetic beating heart with known volumes, written as real DICOM and contour files."""

from keras_lvseg.phantom.cohort import PHANTOM_VERSION, PhantomTruth, write_phantom

__all__ = ["PHANTOM_VERSION", "PhantomTruth", "write_phantom"]
