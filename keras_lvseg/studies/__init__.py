"""Cine short-axis studies: frames, studies, patients, images, contours and volumes."""

from keras_lvseg.studies.csv_export import write_csv
from keras_lvseg.studies.frame import PIXEL_SPACING_RANGE, Frame
from keras_lvseg.studies.frame_contours import Border, read_frame_contour
from keras_lvseg.studies.frame_images import read_image, read_mask
from keras_lvseg.studies.patient import Patient
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import Flag, PhaseVolume, StudyVolumes, study_volumes

__all__ = [
    "PIXEL_SPACING_RANGE",
    "Border",
    "Flag",
    "Frame",
    "Patient",
    "PhaseVolume",
    "SkippedFile",
    "Study",
    "StudyVolumes",
    "read_frame_contour",
    "read_image",
    "read_mask",
    "study_volumes",
    "write_csv",
]
