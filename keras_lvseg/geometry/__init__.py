"""Contours, polygons, masks, planes and grids: NumPy in, NumPy out, no Keras."""

from keras_lvseg.geometry.contours import CONTOUR_ORIGIN, read_contour, write_contour
from keras_lvseg.geometry.grids import NetworkGrid
from keras_lvseg.geometry.planes import slice_indices, slice_normal
from keras_lvseg.geometry.polygons import polygon_area, polygon_mask

__all__ = [
    "CONTOUR_ORIGIN",
    "NetworkGrid",
    "polygon_area",
    "polygon_mask",
    "read_contour",
    "slice_indices",
    "slice_normal",
    "write_contour",
]
