import math

import numpy as np
import pytest

from keras_lvseg.data.layouts import index_tree
from keras_lvseg.errors import DataError
from keras_lvseg.io.course_record import CourseRecord
from keras_lvseg.io.tfrecord import write_examples


def write(path, *names, schema="course", size=(4, 6)):
    records = [CourseRecord(np.full(size, i), np.eye(*size, dtype=np.uint8), name) for i, name in enumerate(names)]
    write_examples(path, [record.to_features(schema) for record in records])


def test_index_named_records_are_grouped_by_patient(tmp_path):
    write(tmp_path / "train_images.tfrecords", "SC-N-2/IM-0001-0059", "SC-N-3/IM-0001-0041", "SC-N-2/IM-0001-0043")
    write(tmp_path / "val_images.tfrecords", "SC-N-2/IM-0001-12345", size=(7, 3))
    patients = index_tree(tmp_path)
    assert [(p.patient_id, p.original_id, p.images, p.contours) for p in patients] == [
        ("SC-N-2", "SC-N-2", (), ()),
        ("SC-N-3", "SC-N-3", (), ()),
    ]
    frames = patients[0].frames
    assert [(f.path.name, f.instance_number, f.slice, f.shape) for f in frames] == [
        ("train_images.tfrecords", 59, 0, (4, 6)),
        ("train_images.tfrecords", 43, 1, (4, 6)),
        ("val_images.tfrecords", 12345, 2, (7, 3)),
    ]
    assert [frame.record for frame in frames] == [1, 3, 1]
    assert all(frame.mask == frame.path and math.isnan(frame.pixel_area) for frame in frames)


@pytest.mark.parametrize("schema", ["course", "course-v1"])
def test_index_unnamed_records_form_one_patient_per_split(tmp_path, schema):
    name = "IM-0001-0059" if schema == "course" else ""
    write(tmp_path / "train_images-00000-of-00002.tfrecords", name, schema=schema)
    write(tmp_path / "train_images-00001-of-00002.tfrecords", name, schema=schema)
    (patient,) = index_tree(tmp_path)
    assert (patient.patient_id, patient.original_id, len(patient.frames)) == ("train", "", 2)
    write(tmp_path / "val_images.tfrecords", name, schema=schema)
    with pytest.warns(UserWarning, match="Records of train and validation in .* do not name their patients"):
        patients = index_tree(tmp_path)
    assert [patient.patient_id for patient in patients] == ["train", "validation"]


def test_index_missing_shard_is_an_error(tmp_path):
    write(tmp_path / "train_images-00000-of-00003.tfrecords", "a/IM-0001-0001")
    write(tmp_path / "train_images-00002-of-00003.tfrecords", "a/IM-0001-0002")
    with pytest.raises(DataError, match=r"00000-of-00003\.tfrecords: has missing shards; expected 3 files, got 2"):
        index_tree(tmp_path)


def test_index_shards_of_two_sets_are_an_error(tmp_path):
    write(tmp_path / "train_images-00000-of-00002.tfrecords", "a/IM-0001-0001")
    write(tmp_path / "train_images-00001-of-00003.tfrecords", "a/IM-0001-0002")
    with pytest.raises(DataError, match="has missing shards; expected 2 files, got 1"):
        index_tree(tmp_path)


def test_index_file_without_records_is_an_error(tmp_path):
    write(tmp_path / "train_images.tfrecords", "a/IM-0001-0001")
    write(tmp_path / "val_images.tfrecords")
    with pytest.raises(DataError, match=r"val_images\.tfrecords: holds no record"):
        index_tree(tmp_path)


def test_index_link_out_of_the_folder_is_an_error(tmp_path):
    write(tmp_path / "outside.tfrecords", "a/IM-0001-0001")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "train_images.tfrecords").symlink_to(tmp_path / "outside.tfrecords")
    with pytest.raises(DataError, match="is a link out of"):
        index_tree(tmp_path / "tree")


def test_index_hidden_files_are_left_out(tmp_path):
    write(tmp_path / "train_images.tfrecord", "a/IM-0001-0001")
    (tmp_path / "._train_images.tfrecord").write_bytes(b"\0\5\x16\7")
    assert len(index_tree(tmp_path)) == 1


def test_index_damaged_record_is_an_error(tmp_path):
    path = tmp_path / "train_images.tfrecords"
    write(path, "a/IM-0001-0001", "a/IM-0001-0002")
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train_images\.tfrecords: is damaged or cut short in record 2"):
        index_tree(tmp_path)
