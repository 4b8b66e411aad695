"""Contours, polygons, masks, planes and volumes: NumPy in, NumPy out, no Keras."""
