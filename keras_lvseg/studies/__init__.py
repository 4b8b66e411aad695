"""Cine short-axis studies: frames, what belongs together, contours and volumes."""

from keras_lvseg.studies.csv_export import write_csv
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient

__all__ = ["Frame", "Patient", "write_csv"]
