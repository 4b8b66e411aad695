from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.errors import DataError
from keras_lvseg.io import course_record
from keras_lvseg.io.course_record import (
    CourseRecord,
    format_record_file_name,
    parse_record_file_name,
    read_course_record,
    read_course_records,
)
from keras_lvseg.io.tfrecord import read_examples, write_examples

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
RECORD = CourseRecord(np.arange(6).reshape(2, 3), np.eye(2, 3, dtype=np.uint8), "SC-HF-I-1/IM-0001-0059")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("records") / "train_images.tfrecords"


@given(shape=shapes, data=st.data(), name=st.text(max_size=20), schema=st.sampled_from(["course", "course-v1"]))
def test_read_course_records_written_in_either_edition_are_equal(shape, data, name, schema, path):
    image = data.draw(npst.arrays(np.int64, shape))
    label = data.draw(npst.arrays(np.uint8, shape, elements=st.integers(0, 1)))
    write_examples(path, [CourseRecord(image, label, name).to_features(schema)])
    (record,) = read_course_records(path)
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
        ({"label_raw": b"\0\0\0\0\0\2"}, "has a label of 2"),
    ],
)
def test_read_course_records_contradicting_features_are_an_error(change, message, path):
    good = RECORD.to_features("course")
    write_examples(path, [good, {key: value for key, value in (good | change).items() if value is not None}])
    with pytest.raises(DataError, match=message) as caught:
        list(read_course_records(path))
    assert str(caught.value).startswith(f"{path}: ")
    assert "in record 2; expected height, width, image_raw or img_raw" in str(caught.value)


def test_read_course_record_any_order_gives_each_record(path):
    write_examples(path, [CourseRecord(RECORD.image + i, RECORD.label).to_features("course") for i in range(70)])
    for number in (70, 1, 33, 32, 64, 65, 2):
        np.testing.assert_array_equal(read_course_record(path, number).image, RECORD.image + number - 1)
    for number in (71, 1000):
        with pytest.raises(DataError, match=f"has no record {number}"):
            read_course_record(path, number)


def test_read_course_record_in_order_reads_each_block_once(path, monkeypatch):
    write_examples(path, [RECORD.to_features("course")] * 70)
    read = []
    monkeypatch.setattr(
        course_record,
        "read_examples",
        lambda path, **place: read.append(place["first"]) or read_examples(path, **place),
    )
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(lambda number: read_course_record(path, number), range(1, 71)))) == 70
    assert read == [1, 33, 65]


def test_read_course_record_file_changed_is_read_again(path):
    for value in (1, 2):
        write_examples(path, [CourseRecord(RECORD.image + value, RECORD.label).to_features("course")])
        assert read_course_record(path, 1).image[0, 0] == value


def test_read_course_record_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="absent: cannot be read"):
        read_course_record(tmp_path / "absent", 1)


@given(split=st.from_regex(r"[a-z][\w.-]{0,8}", fullmatch=True).filter(lambda split: split != "val"))
def test_parse_record_file_name_formatted_name_gives_its_parts(split):
    assert parse_record_file_name(Path(format_record_file_name(split))) == (split, 0, 1)
    assert parse_record_file_name(Path(format_record_file_name(split, 2, 12))) == (split, 2, 12)


def test_format_record_file_name_splits_of_the_course_give_its_names():
    names = [format_record_file_name(split) for split in ("train", "validation")]
    assert names == ["train_images.tfrecords", "val_images.tfrecords"]
    assert parse_record_file_name(Path("val_images.tfrecords")) == ("validation", 0, 1)
