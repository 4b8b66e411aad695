"""The course's TFRecords: files of records in one folder, named after the splits."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from keras_lvseg.data.layouts.discovery import require_inside
from keras_lvseg.errors import DataError
from keras_lvseg.io.course_record import parse_record_file_name, read_course_records
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient_files import PatientFiles

EXPECTED = "train_images.tfrecords and val_images.tfrecords"

_RECORD_NAME = re.compile(r"([^/]+)/IM-\d{4}-(\d{4,9})")


def matches(root: Path) -> bool:
    """Return whether `root` holds such files."""
    return bool(_find_files(root))


def index(root: Path) -> tuple[PatientFiles, ...]:
    """List the patients of a folder, see `index_files`.

    Raises:
        DataError: A file is damaged or lies outside the tree, or a shard is missing.
    """
    files = _find_files(root)
    require_inside(root, files)
    _require_all_shards(files)
    return index_files(files)


def index_files(files: Sequence[Path]) -> tuple[PatientFiles, ...]:
    """List the patients of record files in the order of the records. Every record is read and checked.

    A record with a name such as `SC-HF-I-1/IM-0001-0059` belongs to that patient. `write_course_records` writes such
    names. All other records of a split form one patient with the split's name and an empty `original_id`. If several
    splits have such records, a warning says that they may share patients.

    Raises:
        DataError: A file cannot be read or holds no record, or a record is damaged or holds something else.
    """
    frames: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for path in files:
        for number, record in enumerate(read_course_records(path), 1):
            match = _RECORD_NAME.fullmatch(record.name)
            patient = (match[1], match[1]) if match else (parse_record_file_name(path).split, "")
            rows, columns = record.image.shape
            frames[patient].append(
                Frame(
                    path,
                    *patient,
                    instance_number=int(match[2]) if match else number,
                    rows=rows,
                    columns=columns,
                    slice=len(frames[patient]),
                    mask=path,
                    record=number,
                )
            )
    unnamed = [patient_id for patient_id, original_id in frames if not original_id]
    if len(unnamed) > 1:
        warnings.warn(
            f"Records of {' and '.join(unnamed)} in {files[0].parent} do not name their patients. A patient may be in "
            "two splits. Scores may be too high.",
            stacklevel=5,
        )
    return tuple(PatientFiles(*patient, (), (), tuple(own)) for patient, own in frames.items())


def _find_files(root: Path) -> list[Path]:
    files = (path for pattern in ("*.tfrecords", "*.tfrecord") for path in root.glob(pattern))
    return sorted(path for path in files if not path.name.startswith("."))


def _require_all_shards(files: Sequence[Path]) -> None:
    names = [parse_record_file_name(path) for path in files]
    for name, path in zip(names, files, strict=True):
        found = {other.shard for other in names if (other.split, other.shards) == (name.split, name.shards)}
        if found != set(range(name.shards)):
            raise DataError(path, "has missing shards", expected=f"{name.shards} files", got=str(len(found)))
