from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.errors import DataError
from keras_lvseg.io.course_record import (
    CourseRecord,
    decode_course_record,
    file_name,
    parse_file_name,
    read_course_record,
)
from keras_lvseg.io.tfrecord import write_records
from keras_lvseg.io.tfrecord_example import decode_example, encode_example

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
RECORD = CourseRecord(np.arange(6).reshape(2, 3), np.eye(2, 3, dtype=np.uint8), "SC-HF-I-1/IM-0001-0059")


@given(shape=shapes, data=st.data(), name=st.text(max_size=20), schema=st.sampled_from(["course", "course-v1"]))
def test_what_is_written_is_read(shape, data, name, schema):
    image = data.draw(npst.arrays(np.int64, shape))
    label = data.draw(npst.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    record = decode_course_record(CourseRecord(image, label, name).encode(schema))
    np.testing.assert_array_equal(record.image, image)
    np.testing.assert_array_equal(record.label, label)
    assert record.name == (name if schema == "course" else "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height": None}, "has no height"),
        ({"image_raw": None}, "has no image_raw"),
        ({"label_raw": None, "width": None}, "has no width"),
        ({"label_raw": None}, "has no label_raw"),
        ({"height": b"2"}, "has height, width or image_raw of another type"),
        ({"height": 3}, "has 48 bytes of image_raw for 3 x 3 pixels of int64"),
        ({"height": 2**40, "width": 2**40}, "has 48 bytes of image_raw for 1099511627776 x"),
        ({"height": -2, "width": -3}, "for -2 x -3 pixels"),
        ({"height": 0, "width": 0, "image_raw": b"", "label_raw": b""}, "for 0 x 0 pixels"),
        ({"image_raw": bytes(12)}, "has 12 bytes of image_raw for 2 x 3 pixels of int64"),
        ({"label_raw": bytes(24)}, "has 24 bytes of label_raw for 2 x 3 pixels of uint8"),
        ({"label_raw": b"\0\0\0\0\0\2"}, "holds a label of 2, and 1 is the cavity"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(change, message, tmp_path):
    features = {**decode_example(RECORD.encode("course")), **change}
    path = tmp_path / "train_images.tfrecords"
    write_records(path, [encode_example({key: value for key, value in features.items() if value is not None})])
    with pytest.raises(DataError, match=message) as caught:
        read_course_record(path, 0)
    assert str(caught.value).startswith(f"{path}: ")
    assert "in the record at byte 0; height, width," in str(caught.value)


@given(split=st.from_regex(r"[a-z][\w.-]{0,8}", fullmatch=True).filter(lambda split: split != "val"))
def test_a_file_s_name_tells_its_split(split):
    assert parse_file_name(Path(file_name(split))) == (split, 0, 1)
    assert parse_file_name(Path(file_name(split, 2, 12))) == (split, 2, 12)


def test_the_course_s_own_names():
    assert [file_name(split) for split in ("train", "validation")] == ["train_images.tfrecords", "val_images.tfrecords"]
    assert parse_file_name(Path("val_images.tfrecords")) == ("validation", 0, 1)
