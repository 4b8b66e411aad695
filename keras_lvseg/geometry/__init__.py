"""Contours, polygons, masks, planes, grids and volumes: NumPy in, NumPy out, no Keras."""

from keras_lvseg.geometry.components import largest_component
from keras_lvseg.geometry.contour_tracing import join_contours, largest_contour, mask_contours
from keras_lvseg.geometry.crossings import crossed_area
from keras_lvseg.geometry.grids import NetworkGrid
from keras_lvseg.geometry.outlined_labels import contour_of_outlined_label
from keras_lvseg.geometry.planes import LONG_AXIS, image_centre, slice_indices, slice_normal
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN, polygon_area, polygon_mask
from keras_lvseg.geometry.volumes import ejection_fraction, slice_extents, stack_volume

__all__ = [
    "CONTOUR_ORIGIN",
    "LONG_AXIS",
    "NetworkGrid",
    "contour_of_outlined_label",
    "crossed_area",
    "ejection_fraction",
    "image_centre",
    "join_contours",
    "largest_component",
    "largest_contour",
    "mask_contours",
    "polygon_area",
    "polygon_mask",
    "slice_extents",
    "slice_indices",
    "slice_normal",
    "stack_volume",
]
