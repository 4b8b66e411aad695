"""Files: one module per format, reading and writing arrays and headers."""

from keras_lvseg.io.contour_file import read_contour, write_contour

__all__ = ["read_contour", "write_contour"]
