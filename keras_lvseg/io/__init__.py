"""Files: one module per format, reading and writing arrays and headers."""

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

__all__ = [
    "Header",
    "NiftiHeader",
    "read_contour",
    "read_header",
    "read_headers",
    "read_nifti_header",
    "read_nifti_pixels",
    "read_pixels",
    "read_png",
    "read_png_label",
    "write_contour",
    "write_nifti_labels",
    "write_nifti_stack",
]
