"""A frame's pixels and mask, from whatever kind of file holds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from keras_lvseg.data.cache import read_decoded
from keras_lvseg.data.dicom import read_pixels
from keras_lvseg.data.frames import Frame
from keras_lvseg.data.pictures import is_picture, read_picture


def read_image(frame: Frame) -> np.ndarray:
    """Read a frame's stored values.

    Args:
        frame: Any frame.

    Returns:
        Array of the frame's shape, of the type that the file stores.

    Raises:
        DataError: The file cannot be read.
    """
    if _is_dicom(frame):
        return read_pixels(frame.path)
    if frame.offset is None:
        return read_picture(frame.path)
    # Here, for a process that decodes DICOM has no use for what records need.
    from keras_lvseg.data.tfrecords.course import read_course_record

    return read_course_record(frame.path, frame.offset).image


def read_images(frames: Sequence[Frame]) -> Iterator[np.ndarray]:
    """`read_image` of many frames; DICOM is decoded once and then comes from the cache, see `cache.FrameCache`."""
    decoded = read_decoded([frame.path for frame in frames if _is_dicom(frame)])
    return (next(decoded) if _is_dicom(frame) else read_image(frame) for frame in frames)


def read_mask(frame: Frame) -> np.ndarray:
    """Read the cavity's mask of a frame that has one.

    Args:
        frame: A frame with `mask` and `offset`.

    Returns:
        bool array of the frame's shape.

    Raises:
        DataError: The file cannot be read.
    """
    from keras_lvseg.data.tfrecords.course import read_course_record

    assert frame.mask is not None, f"{frame.path} has no mask"
    assert frame.offset is not None
    return read_course_record(frame.mask, frame.offset).label == 1


def _is_dicom(frame: Frame) -> bool:
    return frame.offset is None and not is_picture(frame.path)
