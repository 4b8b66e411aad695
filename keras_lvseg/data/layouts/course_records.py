"""The course's TFRecords: files of records in one folder, named after the splits."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_lvseg.data.layouts.discovery import check_inside
from keras_lvseg.errors import DataError
from keras_lvseg.io.course_record import course_record, parse_file_name
from keras_lvseg.io.tfrecord import read_records
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "train_images.tfrecords and val_images.tfrecords"

_NAME = re.compile(r"([^/]+)/IM-\d{4}-(\d{4,9})")


def matches(root: Path) -> bool:
    """Whether `root` holds such files."""
    return bool(_candidates(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List the patients in the order in which they come, every record read once and checked.

    A record that names its patient and frame as this package writes them (`SC-HF-I-1/IM-0001-0059`) belongs to that
    patient. Whose image any other is, is not known: those of a split stand for one patient, called as the split, with
    no `original_id`, and where there are several splits a warning says that they may share patients.

    Raises:
        DataError: A file is damaged, leads out of the tree, or is one of several of which another is missing.
    """
    files = _candidates(root)
    check_inside(root, files)
    _check_shards(root, files)
    frames: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for path in files:
        for offset, number, shape, name in _records(path):
            match = _NAME.fullmatch(name)
            names = (match[1], match[1]) if match else (parse_file_name(path).split, "")
            place = {"instance_number": int(match[2]) if match else number, "slice": len(frames[names])}
            rows, columns = shape
            frames[names].append(Frame(path, *names, rows=rows, columns=columns, mask=path, offset=offset, **place))
    if not frames:
        raise DataError(root, "holds no record", "each image is one")
    strangers = [patient_id for patient_id, original_id in frames if not original_id]
    if len(strangers) > 1:
        what = f"records of {' and '.join(strangers)} do not name their patients"
        warnings.warn(f"{root}: {what}: one may stand on both sides, and scores flatter", stacklevel=4)
    return tuple(PatientFiles(*names, (), (), tuple(own)) for names, own in frames.items())


def _candidates(root: Path) -> list[Path]:
    files = (path for pattern in ("*.tfrecords", "*.tfrecord") for path in root.glob(pattern))
    return sorted(path for path in files if not path.name.startswith("."))


def _check_shards(root: Path, files: Sequence[Path]) -> None:
    names = [parse_file_name(path) for path in files]
    for name, path in zip(names, files, strict=True):
        found = {other.shard for other in names if (other.split, other.shards) == (name.split, name.shards)}
        if found != set(range(name.shards)):
            raise DataError(path, f"is one of {name.shards} files, and {len(found)} are there", "copy all of them")


def _records(path: Path) -> Iterator[tuple[int, int, tuple[int, int], str]]:
    """Where each record begins, its number from 1, its image's rows and columns, and its name."""
    for number, (offset, message) in enumerate(read_records(path), 1):
        record = course_record(path, offset, message)
        yield offset, number, record.image.shape, record.name
