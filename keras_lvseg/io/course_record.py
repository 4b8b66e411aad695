"""The TFRecords of NVIDIA's course in both editions: records and file names.

A record holds `height`, `width` and `depth`, the image as little-endian int64 pixels and the label as uint8. The
first edition names the image `img_raw`. The edition for TensorFlow 2 names it `image_raw` and adds a `name`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.io.tfrecord import Feature, read_examples

SCHEMAS = {"course": "image_raw", "course-v1": "img_raw"}
"""Feature that holds the image, by edition: "course" for TensorFlow 2, "course-v1" for the first."""

_EXPECTED = "height, width, image_raw or img_raw (int64 pixels), label_raw (uint8 pixels, 0 and 1)"
_PIXEL, _LABEL = np.dtype("<i8"), np.dtype("u1")
_FILE_NAME = re.compile(r"(.+?)(?:_images)?(?:-(\d{5})-of-(\d{5}))?\.tfrecords?")
_BLOCK = 32  # records that are read at a time; 256 x 256 pixels take 0.6 MB each
_BLOCKS_LOCK = Lock()


@dataclass(frozen=True, eq=False)
class CourseRecord:
    """One record.

    Attributes:
        image: Stored values, int64 of shape (rows, columns).
        label: 1 for the cavity and 0 for the rest, uint8 of the same shape.
        name: Patient and frame, such as "SC-HF-I-1/IM-0001-0059". Empty if the record has no name.

    Example:
        >>> record = CourseRecord(np.arange(6).reshape(2, 3), np.eye(2, 3, dtype=np.uint8), "SC-HF-I-1/IM-0001-0059")
        >>> sorted(record.to_features("course"))
        ['depth', 'height', 'image_raw', 'label_raw', 'name', 'width']
    """

    image: np.ndarray
    label: np.ndarray
    name: str = ""

    def to_features(self, schema: str) -> dict[str, Feature]:
        """Return the features of a `tf.train.Example`.

        Args:
            schema: A key of `SCHEMAS`. The first edition has no feature for the name.
        """
        height, width = self.image.shape
        features: dict[str, Feature] = {
            "height": height,
            "width": width,
            "depth": 1,
            SCHEMAS[schema]: self.image.astype(_PIXEL).tobytes(),
            "label_raw": self.label.astype(_LABEL).tobytes(),
        }
        if schema == "course":
            features["name"] = self.name.encode()
        return features


def read_course_records(
    path: str | os.PathLike[str], *, first: int = 1, limit: int | None = None
) -> Iterator[CourseRecord]:
    """Read the records of a file one by one, of either edition.

    Args:
        path: The TFRecord file: plain, GZIP or ZLIB.
        first: Number of the first record to read, from 1.
        limit: Largest number of records to read. None reads all.

    Raises:
        DataError: The file cannot be read or holds no record, or a record is damaged or holds something else.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.io.tfrecord import write_examples
        >>> path = tempfile.mkdtemp() + "/train_images.tfrecords"
        >>> record = CourseRecord(np.arange(6).reshape(2, 3), np.eye(2, 3, dtype=np.uint8))
        >>> write_examples(path, [record.to_features("course-v1")])
        >>> [record.image.tolist() for record in read_course_records(path)]
        [[[0, 1, 2], [3, 4, 5]]]
    """
    for number, features in enumerate(read_examples(path, first=first, limit=limit), first):
        try:
            yield _to_record(features)
        except ValueError as error:
            raise DataError(path, f"has {error} in record {number}", expected=_EXPECTED) from None


def read_course_record(path: str | os.PathLike[str], number: int) -> CourseRecord:
    """Read one record of a file.

    TFRecord files can only be read from the start. Neighbouring records are therefore read together, and the last few
    blocks of records stay in memory.

    Args:
        path: See `read_course_records`.
        number: Number of the record, from 1.

    Raises:
        DataError: The file has no such record. See also `read_course_records`.
    """
    with as_data_error(path, "cannot be read"):
        status = os.stat(path)
    block, place = divmod(number - 1, _BLOCK)
    with _BLOCKS_LOCK:  # threads that read neighbouring records would each read the block
        records = _read_block(os.fspath(path), block, status.st_mtime_ns, status.st_size)
    if place >= len(records):
        raise DataError(path, f"has no record {number}")
    return records[place]


@lru_cache(maxsize=4)
def _read_block(path: str, block: int, modified: int, size: int) -> tuple[CourseRecord, ...]:
    """Read a block of records; time and size of the file keep a changed file from being taken from the cache."""
    return tuple(read_course_records(path, first=block * _BLOCK + 1, limit=_BLOCK))


def _to_record(features: Mapping[str, Feature]) -> CourseRecord:
    """Return the record of a message.

    Raises:
        ValueError: A feature is missing, or the features contradict each other.
    """
    image = next((key for key in SCHEMAS.values() if key in features), "image_raw")
    pixels = _to_array(features, image, _PIXEL)
    label = _to_array(features, "label_raw", _LABEL)
    if label.max() > 1:
        raise ValueError(f"a label of {label.max()}")
    name = features.get("name", b"")
    return CourseRecord(pixels, label, name.decode("utf-8", "replace") if isinstance(name, bytes) else "")


def _to_array(features: Mapping[str, Feature], key: str, dtype: np.dtype) -> np.ndarray:
    height, width, data = (features.get(name) for name in ("height", "width", key))
    if not (isinstance(height, int) and isinstance(width, int) and isinstance(data, bytes)):
        missing = ", ".join(name for name in ("height", "width", key) if name not in features)
        raise ValueError(f"no {missing}" if missing else f"height, width or {key} of another type")
    if min(height, width) < 1 or height * width * dtype.itemsize != len(data):
        raise ValueError(f"{len(data):,} bytes of {key} for {height} x {width} pixels of {dtype.name}")
    return np.frombuffer(data, dtype).reshape(height, width)


class RecordFileName(NamedTuple):
    """Parts of a file's name: the split, the number of the shard from 0, and the number of shards."""

    split: str
    shard: int
    shards: int


def format_record_file_name(split: str, shard: int = 0, shards: int = 1) -> str:
    """Return the name that the course gives to a file.

    Example:
        >>> format_record_file_name("validation"), format_record_file_name("train", 0, 4)
        ('val_images.tfrecords', 'train_images-00000-of-00004.tfrecords')
    """
    number = f"-{shard:05}-of-{shards:05}" if shards > 1 else ""
    return f"{'val' if split == 'validation' else split}_images{number}.tfrecords"


def parse_record_file_name(path: Path) -> RecordFileName:
    """Return the parts of a file's name. A name without a number is shard 0 of 1.

    Example:
        >>> parse_record_file_name(Path("val_images-00001-of-00002.tfrecords"))
        RecordFileName(split='validation', shard=1, shards=2)
        >>> parse_record_file_name(Path("mine.tfrecord")).split
        'mine'
    """
    match = _FILE_NAME.fullmatch(path.name)
    split, shard, shards = match.groups() if match else (path.stem, None, None)
    return RecordFileName("validation" if split == "val" else split, int(shard or 0), int(shards or 1))
