"""Cine short-axis studies: frames, studies, patients, contours and volumes."""

from keras_lvseg.studies.csv_export import write_csv
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study
from keras_lvseg.studies.study_volumes import PhaseVolume, StudyVolumes, study_volumes

__all__ = ["Frame", "Patient", "PhaseVolume", "SkippedFile", "Study", "StudyVolumes", "study_volumes", "write_csv"]
