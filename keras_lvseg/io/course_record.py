"""The records of NVIDIA's course, both editions: what is in one, and what files of them are called.

A record holds `height`, `width` and `depth`, the image as little-endian int64 pixels and the label as uint8. The
first edition calls the image `img_raw`; the one for TensorFlow 2 calls it `image_raw`, and adds a `name`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.io.tfrecord import read_record
from keras_lvseg.io.tfrecord_example import Value, decode_example, encode_example

SCHEMAS = {"course": "image_raw", "course-v1": "img_raw"}
"""What each edition calls the image: "course" the one for TensorFlow 2, "course-v1" the first."""

_PIXEL, _LABEL = np.dtype("<i8"), np.dtype("u1")
_FILE_NAME = re.compile(r"(.+?)(?:_images)?(?:-(\d{5})-of-(\d{5}))?\.tfrecords?")


@dataclass(frozen=True, eq=False)
class CourseRecord:
    """One record.

    Attributes:
        image: Stored values, int64 of shape (rows, columns).
        label: 1 for the cavity and 0 for the rest, uint8 of the same shape.
        name: Whose image it is; empty where the record does not say.

    Example:
        >>> record = CourseRecord(np.arange(6).reshape(2, 3), np.eye(2, 3, dtype=np.uint8), "SC-HF-I-1/IM-0001-0059")
        >>> decode_course_record(record.encode("course")).name
        'SC-HF-I-1/IM-0001-0059'
        >>> decode_course_record(record.encode("course-v1")).image.tolist()
        [[0, 1, 2], [3, 4, 5]]
    """

    image: np.ndarray
    label: np.ndarray
    name: str = ""

    def encode(self, schema: str) -> bytes:
        """Write the message; the first edition has no place for the name."""
        height, width = self.image.shape
        features: dict[str, Value] = {
            "height": height,
            "width": width,
            "depth": 1,
            SCHEMAS[schema]: self.image.astype(_PIXEL).tobytes(),
            "label_raw": self.label.astype(_LABEL).tobytes(),
        }
        if schema == "course":
            features["name"] = self.name.encode()
        return encode_example(features)


def decode_course_record(message: bytes) -> CourseRecord:
    """Read a message of either edition.

    Raises:
        ValueError: It is none, or its parts contradict each other.
    """
    features = decode_example(message)
    image = next((key for key in SCHEMAS.values() if key in features), "image_raw")
    pixels = _array(features, image, _PIXEL)
    label = _array(features, "label_raw", _LABEL)
    if label.max() > 1:
        raise ValueError(f"holds a label of {label.max()}, and 1 is the cavity")
    name = features.get("name", b"")
    return CourseRecord(pixels, label, name.decode("utf-8", "replace") if isinstance(name, bytes) else "")


def _array(features: Mapping[str, Value], key: str, dtype: np.dtype) -> np.ndarray:
    height, width, data = (features.get(name) for name in ("height", "width", key))
    if not (isinstance(height, int) and isinstance(width, int) and isinstance(data, bytes)):
        missing = ", ".join(name for name in ("height", "width", key) if name not in features)
        raise ValueError(f"has no {missing}" if missing else f"has height, width or {key} of another type")
    if min(height, width) < 1 or height * width * dtype.itemsize != len(data):
        raise ValueError(f"has {len(data):,} bytes of {key} for {height} x {width} pixels of {dtype.name}")
    return np.frombuffer(data, dtype).reshape(height, width)


def read_course_record(path: str | os.PathLike[str], offset: int) -> CourseRecord:
    """Read the record that begins at byte `offset` of a file.

    Raises:
        DataError: There is no such record, or it is damaged or something else.
    """
    return course_record(path, offset, read_record(path, offset))


def course_record(path: str | os.PathLike[str], offset: int, message: bytes) -> CourseRecord:
    """Read a message that stood at byte `offset` of a file; raises DataError where `decode_course_record` raises."""
    try:
        return decode_course_record(message)
    except ValueError as error:
        problem = f"{error}, in the record at byte {offset:,}"
        raise DataError(
            path, problem, "height, width, image_raw or img_raw (int64), label_raw (uint8) are due"
        ) from None


class FileName(NamedTuple):
    """What a file's name says: whose split it is, and which of how many files (0 of 1 where there is no number)."""

    split: str
    shard: int
    shards: int


def file_name(split: str, shard: int = 0, shards: int = 1) -> str:
    """Name a split's file as the course does.

    Example:
        >>> file_name("validation"), file_name("train", 0, 4)
        ('val_images.tfrecords', 'train_images-00000-of-00004.tfrecords')
    """
    number = f"-{shard:05}-of-{shards:05}" if shards > 1 else ""
    return f"{'val' if split == 'validation' else split}_images{number}.tfrecords"


def parse_file_name(path: Path) -> FileName:
    """Read such a name.

    Example:
        >>> parse_file_name(Path("val_images-00001-of-00002.tfrecords"))
        FileName(split='validation', shard=1, shards=2)
        >>> parse_file_name(Path("mine.tfrecord")).split
        'mine'
    """
    match = _FILE_NAME.fullmatch(path.name)
    split, shard, shards = match.groups() if match else (path.stem, None, None)
    return FileName("validation" if split == "val" else split, int(shard or 0), int(shards or 1))
