"""Contours, polygons, masks, planes and grids: NumPy in, NumPy out, no Keras."""

from keras_lvseg.geometry.crossings import crossed_area
from keras_lvseg.geometry.grids import NetworkGrid
from keras_lvseg.geometry.planes import slice_indices, slice_normal
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN, polygon_area, polygon_mask
from keras_lvseg.geometry.repair import repaired_outline
from keras_lvseg.geometry.tracing import join_contours, mask_contours
from keras_lvseg.geometry.volumes import ejection_fraction, stack_volume

__all__ = [
    "CONTOUR_ORIGIN",
    "NetworkGrid",
    "crossed_area",
    "ejection_fraction",
    "join_contours",
    "mask_contours",
    "polygon_area",
    "polygon_mask",
    "repaired_outline",
    "slice_indices",
    "slice_normal",
    "stack_volume",
]
