"""TFRecord files without TensorFlow: how records are framed, and checked by their checksums.

A record is its length (8 bytes, little-endian), the length's checksum (4), its bytes, and their checksum (4). The
checksum is CRC-32C, rotated by 15 bits and moved by a constant, so that a checksum of what holds checksums is not
a special number.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_file, open_bytes

_LENGTH, _CHECKSUM = struct.Struct("<Q"), struct.Struct("<I")
_ROTATION, _DELTA = 15, 0xA282EAD8


def write_records(path: str | os.PathLike[str], records: Iterable[bytes]) -> None:
    """Write records to a file, whole or not at all.

    Args:
        path: The file to write.
        records: What each record holds; taken one by one.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two.tfrecords"
        >>> write_records(path, [b"one", b"two"])
        >>> list(read_records(path))
        [(0, b'one'), (19, b'two')]
        >>> read_record(path, 19)
        b'two'
    """
    with atomic_file(path) as scratch, scratch.open("wb") as file:
        for record in records:
            length = _LENGTH.pack(len(record))
            file.write(length + _masked_checksum(length))
            file.write(record + _masked_checksum(record))


def read_records(path: str | os.PathLike[str]) -> Iterator[tuple[int, bytes]]:
    """Read a file's records one by one.

    Args:
        path: A TFRecord file, not compressed.

    Yields:
        The byte that a record begins at, and what it holds.

    Raises:
        DataError: The file cannot be read, is cut short, or a checksum does not fit.
    """
    path = Path(path)
    with open_bytes(path) as (file, size):
        while (offset := file.tell()) < size:
            yield offset, _read_at(path, file, offset, size)


def read_record(path: str | os.PathLike[str], offset: int) -> bytes:
    """Read the one record that begins at byte `offset`; raises as `read_records` does."""
    path = Path(path)
    with open_bytes(path) as (file, size):
        file.seek(offset)
        return _read_at(path, file, offset, size)


def _read_at(path: Path, file: BinaryIO, offset: int, size: int) -> bytes:
    head = file.read(_LENGTH.size + _CHECKSUM.size)
    if len(head) < _LENGTH.size + _CHECKSUM.size:
        raise _cut_short(path, offset)
    if head[_LENGTH.size :] != _masked_checksum(head[: _LENGTH.size]):
        raise _damaged(path, offset, "length")
    (length,) = _LENGTH.unpack_from(head)
    # Held against the file before a byte is asked for: a length may claim any size.
    if length > size - file.tell() - _CHECKSUM.size:
        raise _cut_short(path, offset)
    record, checksum = file.read(length), file.read(_CHECKSUM.size)
    if checksum != _masked_checksum(record):
        raise _damaged(path, offset, "content")
    return record


def _masked_checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = (crc >> _ROTATION) | (crc << (32 - _ROTATION))
    return _CHECKSUM.pack((rotated + _DELTA) & 0xFFFFFFFF)


def _cut_short(path: Path, offset: int) -> DataError:
    return DataError(path, f"is cut short in the record at byte {offset:,}", "copy the file again")


def _damaged(path: Path, offset: int, part: str) -> DataError:
    problem = f"is damaged in the record at byte {offset:,}: its {part} does not fit its checksum"
    return DataError(path, problem, "an uncompressed TFRecord file is due; copy it again")
