"""Files: one module per format, reading and writing arrays and headers."""

from keras_lvseg.io.bowl_submission import read_bowl_rows, write_bowl_submission
from keras_lvseg.io.contour_file import read_contour, write_contour
from keras_lvseg.io.dicom import Header, read_header, read_headers, read_pixels
from keras_lvseg.io.nifti import (
    NiftiHeader,
    read_nifti_header,
    read_nifti_pixels,
    write_nifti_labels,
    write_nifti_stack,
)
from keras_lvseg.io.png import read_png, read_png_label
from keras_lvseg.io.volume_table import VolumeRow, VolumeTable, read_volume_table

__all__ = [
    "Header",
    "NiftiHeader",
    "VolumeRow",
    "VolumeTable",
    "read_bowl_rows",
    "read_contour",
    "read_header",
    "read_headers",
    "read_nifti_header",
    "read_nifti_pixels",
    "read_pixels",
    "read_png",
    "read_png_label",
    "read_volume_table",
    "write_bowl_submission",
    "write_contour",
    "write_nifti_labels",
    "write_nifti_stack",
]
