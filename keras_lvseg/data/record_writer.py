"""Writer of a data set's frames as the course's TFRecords."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.data.labels import draw_label
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import invalid_argument
from keras_lvseg.files import atomic_directory
from keras_lvseg.io.course_record import SCHEMAS, CourseRecord, format_record_file_name
from keras_lvseg.io.tfrecord import Feature, write_examples
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image


def write_course_records(
    folder: str | os.PathLike[str],
    splits: Mapping[str, Sequence[Frame]],
    preprocessing: Preprocessing,
    *,
    contour_origin: float,
    schema: str = "course",
    shards: int = 1,
) -> tuple[Path, ...]:
    """Write frames as the course's records, in files named as the course names them.

    Args:
        folder: A new or empty folder, written whole or not at all.
        splits: Labelled frames by split. A split without frames gets no file.
        preprocessing: Records are written on its grid. Its intensity is not applied. Records hold stored values,
            rounded to integers if the grid is resampled.
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        schema: A key of `SCHEMAS`.
        shards: Number of files per split, at most the number of its frames. Their lengths differ by one frame at most.

    Returns:
        The files.

    Raises:
        DataError: The folder is not empty, or a frame cannot be read.
        ValueError: An argument is out of its range.
    """
    if schema not in SCHEMAS:
        raise invalid_argument("schema", schema, f"one of {', '.join(SCHEMAS)}")
    if shards < 1:
        raise invalid_argument("shards", shards, "an integer above 0")
    for split in splits:
        if not re.fullmatch(r"\w[\w.-]*", split):
            raise invalid_argument("splits", split, "names of letters, digits, '_', '.' and '-'")

    def features(frame: Frame) -> dict[str, Feature]:
        grid = preprocessing.grid(frame)
        image = np.rint(grid.to_network(read_image(frame))).astype(np.int64)
        name = f"{frame.original_id}/IM-0001-{frame.instance_number:04}"
        return CourseRecord(image, draw_label(frame, "endocardium", contour_origin, grid), name).to_features(schema)

    names = []
    with atomic_directory(folder) as temporary:
        for split, frames in splits.items():
            parts = min(shards, len(frames))
            for shard in range(parts):
                start, end = (len(frames) * i // parts for i in (shard, shard + 1))
                names.append(format_record_file_name(split, shard, parts))
                write_examples(temporary / names[-1], (features(frame) for frame in frames[start:end]))
    return tuple(Path(folder) / name for name in names)
