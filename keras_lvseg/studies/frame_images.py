"""Image and mask of a frame, from DICOM, PNG, NIfTI or a record."""

from __future__ import annotations

import numpy as np

from keras_lvseg.io.course_record import read_course_record
from keras_lvseg.io.dicom import read_pixels
from keras_lvseg.io.nifti import is_nifti, read_nifti_pixels
from keras_lvseg.io.png import is_png, read_png
from keras_lvseg.studies.frame import Frame


def read_image(frame: Frame) -> np.ndarray:
    """Read the image of a frame.

    The file that was read last stays in memory, so frames of one file are best read in order.

    Args:
        frame: Any frame.

    Returns:
        Array of the frame's shape and of the file's type, or of floats if the file has a slope and intercept.

    Raises:
        DataError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import SAXDataset
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> frame = SAXDataset(folder).frames[0]
        >>> read_image(frame).shape == frame.shape
        True
    """
    if is_png(frame.path):
        return read_png(frame.path)
    if is_nifti(frame.path):
        assert frame.record is not None
        return read_nifti_pixels(frame.path, frame.record)
    if frame.mask is not None:
        assert frame.record is not None
        return read_course_record(frame.path, frame.record).image
    return read_pixels(frame.path, frame.record)


def read_mask(frame: Frame) -> np.ndarray:
    """Read the mask of the cavity.

    Args:
        frame: A frame with a mask, which is a frame from records.

    Returns:
        bool array of the frame's shape.

    Raises:
        DataError: The file cannot be read.
    """
    assert frame.mask is not None, f"{frame.path} has no mask"
    assert frame.record is not None
    return read_course_record(frame.mask, frame.record).label == 1
