"""Frames, patients and data sets of short-axis cine MRI, from any tree that they are found in."""
