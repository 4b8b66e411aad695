"""Image and mask of a frame, from a DICOM file, a PNG or a record."""

from __future__ import annotations

import numpy as np

from keras_lvseg.io.course_record import read_course_record
from keras_lvseg.io.dicom import read_pixels
from keras_lvseg.io.png import is_png, read_png
from keras_lvseg.studies.frame import Frame


def read_image(frame: Frame) -> np.ndarray:
    """Read the stored values of a frame.

    Args:
        frame: Any frame.

    Returns:
        Array of the frame's shape and of the file's type.

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
    if frame.record is not None:
        return read_course_record(frame.path, frame.record).image
    return read_png(frame.path) if is_png(frame.path) else read_pixels(frame.path)


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
