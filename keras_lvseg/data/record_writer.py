"""A data set's frames written as the course's TFRecords."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.data.labels import draw_label
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.files import atomic_directory
from keras_lvseg.io.course_record import SCHEMAS, CourseRecord, file_name
from keras_lvseg.io.tfrecord import write_records
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image


def write_course_records(
    folder: str | os.PathLike[str],
    splits: Mapping[str, Sequence[Frame]],
    preprocessing: Preprocessing,
    contour_origin: float,
    schema: str = "course",
    shards: int = 1,
) -> tuple[Path, ...]:
    """Write frames as the course's records, named as the course names them.

    Args:
        folder: A new or an empty folder, written whole or not at all.
        splits: Labelled frames by split; a split of none gets no file.
        preprocessing: Its grid is the records'. Its intensity is not applied: records hold what the files store,
            rounded to whole numbers where the grid is a resampled one.
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        schema: A key of `SCHEMAS`.
        shards: Files a split, all but equal in length; never more than its frames.

    Returns:
        The files.

    Raises:
        DataError: The folder holds something, or a frame cannot be read.
        ValueError: An argument is out of its range.
    """
    if schema not in SCHEMAS:
        raise ValueError(f"schema has to be one of {', '.join(SCHEMAS)}. Received: schema={schema!r}")
    if shards < 1:
        raise ValueError(f"shards has to be 1 or more. Received: shards={shards}")
    for split in splits:
        if not re.fullmatch(r"\w[\w.-]*", split):
            raise ValueError(f"a split's name has to do as a file's name. Received: {split!r}")

    def encoded(frame: Frame) -> bytes:
        grid = preprocessing.grid(frame)
        image = np.rint(grid.from_native(read_image(frame))).astype(np.int64)
        name = f"{frame.original_id}/IM-0001-{frame.instance_number:04}"
        return CourseRecord(image, draw_label(frame, "endocardium", contour_origin, grid), name).encode(schema)

    names = []
    with atomic_directory(folder) as scratch:
        for split, frames in splits.items():
            parts = min(shards, len(frames))
            for shard in range(parts):
                start, end = (len(frames) * i // parts for i in (shard, shard + 1))
                names.append(file_name(split, shard, parts))
                write_records(scratch / names[-1], (encoded(frame) for frame in frames[start:end]))
    return tuple(Path(folder) / name for name in names)
