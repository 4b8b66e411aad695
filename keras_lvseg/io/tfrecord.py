"""TFRecord files of `tf.train.Example` messages, read and written by TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import atomic_file, open_bytes

Feature = int | bytes

_LENGTH_BYTES = 8  # before each record, little-endian
_OVERHEAD_BYTES = 16  # per record: its length and two checksums of 4 bytes


def write_examples(path: str | os.PathLike[str], examples: Iterable[Mapping[str, Feature]]) -> None:
    """Write a TFRecord file, whole or not at all.

    Args:
        path: The file to write.
        examples: The features of each record by name, taken one by one.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/train.tfrecords"
        >>> write_examples(path, [{"height": 256, "name": b"first"}, {"height": 128, "name": b"second"}])
        >>> for features in read_examples(path):
        ...     print(sorted(features.items()))
        [('height', 256), ('name', b'first')]
        [('height', 128), ('name', b'second')]
    """
    tf = _tensorflow()
    with atomic_file(path) as temporary, tf.io.TFRecordWriter(os.fspath(temporary)) as writer:
        for features in examples:
            writer.write(encode_example(features))


def encode_example(features: Mapping[str, Feature]) -> bytes:
    """Return a serialized `tf.train.Example` of single integers and byte strings.

    Args:
        features: The value of each feature by name.
    """
    example = _tensorflow().train.Example()
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.int64_list).value.append(value)
    return example.SerializeToString(deterministic=True)


def read_examples(
    path: str | os.PathLike[str], *, first: int = 1, limit: int | None = None
) -> Iterator[dict[str, Feature]]:
    """Read the records of a TFRecord file one by one.

    Args:
        path: The file: plain, GZIP or ZLIB. The compression is found by reading the first record, not by the name.
        first: Number of the first record to read, from 1.
        limit: Largest number of records to read. None reads all.

    Yields:
        The features that hold one integer or one byte string, by name. Other features are left out.

    Raises:
        DataError: The file cannot be read or holds no record, or a record is damaged, cut short or no
            `tf.train.Example`. The message has the number of the record.
    """
    tf = _tensorflow()
    dataset, cut_short = _open(path)
    records = dataset.skip(first - 1).take(-1 if limit is None else limit).as_numpy_iterator()
    for number in count(first):
        try:
            message = next(records, None)
        except tf.errors.OpError:  # its text is about TensorFlow's graph
            raise _damaged(path, number) from None
        if message is None:
            break
        with as_data_error(path, f"has an unknown message in record {number}", expected="a tf.train.Example"):
            example = tf.train.Example.FromString(message)
        yield _single_values(example)
    if cut_short and (limit is None or number < first + limit):
        raise _damaged(path, number)
    if number == 1:
        raise DataError(path, "holds no record", expected="at least one")


def _open(path: str | os.PathLike[str]) -> tuple[Any, bool]:
    """Return the records of a file as a tf.data.Dataset, and whether a record after them is cut short."""
    tf = _tensorflow()
    complete, cut_short = _count_complete_records(path)

    def open_as(compression: str) -> Any:
        dataset = tf.data.TFRecordDataset(os.fspath(path), compression)
        return dataset if compression else dataset.take(complete)

    # The first bytes are a hint only, because those of a plain file are a length, which may be any number.
    hint = _hinted_compression(path)
    for compression in sorted(("", "GZIP", "ZLIB"), key=lambda one: one != hint):
        dataset = open_as(compression)
        if _has_readable_record(dataset):
            return dataset, cut_short and not compression
    return open_as(""), cut_short


def _hinted_compression(path: str | os.PathLike[str]) -> str:
    """Return TensorFlow's name of the compression that a file begins like."""
    with open_bytes(path) as (file, _):
        start = file.read(2)
    if start == b"\x1f\x8b":
        return "GZIP"
    is_zlib = len(start) == 2 and start[0] % 16 == 8 and int.from_bytes(start, "big") % 31 == 0
    return "ZLIB" if is_zlib else ""


def _count_complete_records(path: str | os.PathLike[str]) -> tuple[int, bool]:
    """Return how many records of a plain file are complete by their lengths, and whether another one is cut short.

    TensorFlow allocates the length that a record claims, and aborts the process if there is not enough memory. It
    also ignores a last record that is cut short in its length.
    """
    complete = end = 0
    with open_bytes(path) as (file, size):
        while end < size:
            file.seek(end)
            end += _OVERHEAD_BYTES + int.from_bytes(file.read(_LENGTH_BYTES), "little")
            complete += end <= size
    return complete, end > size


def _has_readable_record(dataset: Any) -> bool:
    try:
        return next(dataset.as_numpy_iterator(), None) is not None
    except _tensorflow().errors.OpError:
        return False


def _single_values(example: Any) -> dict[str, Feature]:
    features = {}
    for name, feature in example.features.feature.items():
        values = [*feature.int64_list.value, *feature.bytes_list.value]
        if len(values) == 1:
            features[name] = values[0]
    return features


def _damaged(path: str | os.PathLike[str], number: int) -> DataError:
    return DataError(path, f"is damaged or cut short in record {number}", "copy the file again")


def _tensorflow() -> Any:
    if "tensorflow" not in sys.modules:
        # Keras runs on another backend, which needs the GPU's memory.
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    import tensorflow as tf

    return tf
