"""A frame's pixels and mask, from whatever kind of file holds them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_lvseg.io.course_record import read_course_record
from keras_lvseg.io.dicom import read_pixels
from keras_lvseg.io.png import is_png, read_png
from keras_lvseg.studies.frame import Frame

_MAX_THREADS = 8
_BATCH = 64


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
    if frame.record is None:
        return read_png(frame.path)
    return read_course_record(frame.path, frame.record).image


def read_images(frames: Sequence[Frame]) -> Iterator[np.ndarray]:
    """Read the stored values of many frames, in order, in a few threads.

    Args:
        frames: Any frames.

    Yields:
        What `read_image` returns for each frame.

    Raises:
        DataError: A file cannot be read.
    """
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS)) as pool:
        # In batches, because all frames of a cohort at once may not fit in memory.
        for start in range(0, len(frames), _BATCH):
            yield from pool.map(read_image, frames[start : start + _BATCH])


def read_mask(frame: Frame) -> np.ndarray:
    """Read the cavity's mask of a frame that has one.

    Args:
        frame: A frame with `mask` and `record`.

    Returns:
        bool array of the frame's shape.

    Raises:
        DataError: The file cannot be read.
    """
    assert frame.mask is not None, f"{frame.path} has no mask"
    assert frame.record is not None
    return read_course_record(frame.mask, frame.record).label == 1


def _is_dicom(frame: Frame) -> bool:
    return frame.record is None and not is_png(frame.path)
