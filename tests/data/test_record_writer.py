import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_lvseg.data import OFFICIAL_SPLITS, SAXDataset, SunnybrookSAXDataset
from keras_lvseg.data.record_writer import write_course_records
from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import read_pixels
from tests.small_tree import write_small_tree

SPLITS = {"train": ["PHANTOM0001", "PHANTOM0002"], "validation": ["PHANTOM0003"]}
IMAGE = {"course": "image_raw", "course-v1": "img_raw"}


@pytest.fixture(scope="module")
def small_tree(tmp_path_factory):
    """The patients of `phantom_tree` with six images each, of the size that the course's code expects."""
    patients = {f"PHANTOM000{i}": f"PH-0{i}" for i in (1, 2, 3)}
    folder = tmp_path_factory.mktemp("images") / "tree"
    return write_small_tree(folder, patients, shape=(256, 256), radius=lambda slice_, phase: 20.0 + slice_ - 4 * phase)


@pytest.fixture(scope="module")
def dataset(small_tree):
    return SunnybrookSAXDataset(small_tree, splits=SPLITS)


@pytest.fixture(scope="module", params=["course", "course-v1"])
def schema(request):
    return request.param


@pytest.fixture(scope="module")
def records(dataset, schema, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / schema
    dataset.write_tfrecords(folder, schema=schema)
    return folder


def read_as_the_course_does(path, schema):
    """The course's reading, from what is known of it: TensorFlow's reader, its parser, and a scale of 1/1024."""
    description = {
        "height": tf.io.FixedLenFeature([], tf.int64),
        "width": tf.io.FixedLenFeature([], tf.int64),
        "depth": tf.io.FixedLenFeature([], tf.int64),
        IMAGE[schema]: tf.io.FixedLenFeature([], tf.string),
        "label_raw": tf.io.FixedLenFeature([], tf.string),
    }
    if schema == "course":
        description["name"] = tf.io.FixedLenFeature([], tf.string)

    def parse(record):
        parsed = tf.io.parse_single_example(record, description)
        image = tf.io.decode_raw(parsed[IMAGE[schema]], tf.int64)
        label = tf.io.decode_raw(parsed["label_raw"], tf.uint8)
        image = tf.cast(tf.reshape(image, (256, 256, 1)), tf.float32) * (1 / 1024)
        return image, tf.reshape(label, (256, 256, 1)), parsed.get("name", b"")

    return list(tf.data.TFRecordDataset(str(path)).map(parse).as_numpy_iterator())


def test_write_tfrecords_files_are_read_by_the_course_code(dataset, small_tree, records, schema):
    course = SunnybrookSAXDataset(small_tree, splits=SPLITS, intensity="course")
    for split, file in (("train", "train_images.tfrecords"), ("validation", "val_images.tfrecords")):
        images, labels, names = zip(*read_as_the_course_does(records / file, schema), strict=True)
        expected_images, expected_labels = course.as_arrays(split)
        np.testing.assert_array_equal(images, expected_images)
        np.testing.assert_array_equal(labels, expected_labels)
        if schema == "course":
            frames = dataset.labelled_frames(split)
            assert list(names) == [f"{f.original_id}/IM-0001-{f.instance_number:04}".encode() for f in frames]


@pytest.mark.parametrize(
    ("size", "intensity"), [((256, 256), "zscore"), ((100, 140), "course"), ((260, 300), None), ((260, 140), "zscore")]
)
@pytest.mark.filterwarnings("ignore:.*do not name their patients")
def test_from_tfrecords_arrays_equal_those_of_dicom(small_tree, records, size, intensity):
    # What lies beyond the 256 x 256 that were written is not there to be read; the phantoms are of that size.
    dicom = SunnybrookSAXDataset(small_tree, splits=SPLITS, image_size=size, intensity=intensity)
    read = SunnybrookSAXDataset.from_tfrecords(records, image_size=size, intensity=intensity)
    assert set(read.info["splits"]) == set(SPLITS)
    for split in SPLITS:
        for ours, theirs in zip(read.as_arrays(split), dicom.as_arrays(split), strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype


def test_from_tfrecords_every_pipeline_gives_the_same_batches(dataset, tmp_path):
    dataset.write_tfrecords(tmp_path / "records", shards=3)
    read = SunnybrookSAXDataset.from_tfrecords(tmp_path / "records")
    images, labels = dataset.as_arrays("train")
    batches = read.as_dataset("train", batch_size=4).as_numpy_iterator()
    loader = read.as_pydataset("train", batch_size=4)
    for i, batch in enumerate(batches):
        for part, same, whole in zip(batch, loader[i], (images, labels), strict=True):
            np.testing.assert_array_equal(part, same)
            np.testing.assert_array_equal(part, whole[4 * i : 4 * i + 4])


def test_from_tfrecords_patients_are_named_or_a_warning_says_that_they_are_unknown(records, schema):
    if schema == "course":
        read = SunnybrookSAXDataset.from_tfrecords(records)
        assert read.info["patients_on_both_sides"] is False
        assert [patient.patient_id for patient in read.patients] == ["PH-01", "PH-02", "PH-03"]
        split = SAXDataset(records, splits={"train": ["PH-03"], "test": ["PH-01"]})
        assert {frame.patient_id for frame in split.labelled_frames("train")} == {"PH-03"}
        with pytest.raises(DataError, match="in none of the challenge's lists"):
            SunnybrookSAXDataset(records)
        return
    with pytest.warns(UserWarning, match="Records of train and validation in .* do not name their patients"):
        read = SunnybrookSAXDataset(records)
    assert read.info["patients_on_both_sides"] is True
    assert {name: part["patients"] for name, part in read.info["splits"].items()} == {
        "train": ["train"],
        "validation": ["validation"],
    }


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_from_tfrecords_list_of_compressed_files_is_read_as_the_folder(dataset, tmp_path, compression):
    files = dataset.write_tfrecords(tmp_path / "plain", shards=2)
    compressed = []
    for i, file in enumerate(files):
        compressed.append(tmp_path / str(i) / file.name)
        compressed[-1].parent.mkdir()
        with tf.io.TFRecordWriter(str(compressed[-1]), compression) as writer:
            for message in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                writer.write(message)
    read = SunnybrookSAXDataset.from_tfrecords([*reversed(compressed), str(compressed[0])])
    assert read.data_dir == tmp_path
    for split in SPLITS:
        for ours, theirs in zip(read.as_arrays(split), dataset.as_arrays(split), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_from_tfrecords_one_file_of_the_list_is_enough(dataset, tmp_path):
    files = dataset.write_tfrecords(tmp_path / "records", shards=2)
    read = SunnybrookSAXDataset.from_tfrecords(files[:1])
    assert len(read.frames) == len(dataset.labelled_frames("train")) // 2
    with pytest.raises(ValueError, match=r"Invalid value for argument `data_dir`\. Expected a folder or at least one"):
        SunnybrookSAXDataset.from_tfrecords([])


def test_official_splits_of_records_equal_those_of_dicom(small_tree, tmp_path):
    tree = shutil.copytree(small_tree, tmp_path / "tree")
    names = [OFFICIAL_SPLITS["test"][0], OFFICIAL_SPLITS["train"][3], OFFICIAL_SPLITS["validation"][7]]
    for i, name in enumerate(names, 1):
        (tree / "contourfiles" / f"PH-{i:02}").rename(tree / "contourfiles" / name)
    lines = [f"PHANTOM{i:04},{name}\n" for i, name in enumerate(names, 1)]
    (tree / "link.csv").write_text("patient_id,original_id\n" + "".join(lines))
    everything = SAXDataset(tree)
    files = everything.write_tfrecords(tmp_path / "records")
    assert [file.name for file in files] == ["all_images.tfrecords"]
    read, dicom = SunnybrookSAXDataset(tmp_path / "records"), SunnybrookSAXDataset(tree)
    for split in OFFICIAL_SPLITS:
        for ours, theirs in zip(read.as_arrays(split), dicom.as_arrays(split), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_from_tfrecords_patient_in_files_of_two_splits_warns(dataset, tmp_path):
    first = dataset.write_tfrecords(tmp_path / "one")[0]
    shutil.copy(first, tmp_path / "one" / "test_images.tfrecords")
    with pytest.warns(UserWarning, match="files of two splits"):
        read = SunnybrookSAXDataset.from_tfrecords(tmp_path / "one")
    assert read.info["patients_on_both_sides"] is True


def test_from_tfrecords_mixed_patients_keep_the_order_of_the_file(dataset, tmp_path):
    # As in the course's own files, which were shuffled as images.
    order = np.random.default_rng(0).permutation(len(dataset.labelled_frames("train")))
    frames = [dataset.labelled_frames("train")[i] for i in order]
    write_course_records(
        tmp_path / "records", {"train": frames}, dataset.preprocessing, contour_origin=dataset.contour_origin
    )
    read = SunnybrookSAXDataset.from_tfrecords(tmp_path / "records")
    np.testing.assert_array_equal(read.as_arrays("train")[0], dataset.as_arrays("train")[0][order])


def test_from_tfrecords_unnamed_records_count_as_shared_patients(dataset, tmp_path):
    for schema, split in (("course", "train"), ("course-v1", "validation")):
        frames = {split: dataset.labelled_frames(split)}
        folder = tmp_path / schema
        write_course_records(
            folder, frames, dataset.preprocessing, contour_origin=dataset.contour_origin, schema=schema
        )
    shutil.move(tmp_path / "course-v1" / "val_images.tfrecords", tmp_path / "course")
    read = SunnybrookSAXDataset.from_tfrecords(tmp_path / "course")
    assert read.info["patients_on_both_sides"] is True


@pytest.mark.parametrize("shards", [1, 2, 5, 1000])
def test_write_tfrecords_shards_have_every_record_once_in_order(dataset, tmp_path, shards):
    files = dataset.write_tfrecords(tmp_path / "records", shards=shards)
    assert sorted(files) == sorted((tmp_path / "records").iterdir())
    train = [file for file in files if file.name.startswith("train")]
    frames = dataset.labelled_frames("train")
    parts = [read_as_the_course_does(file, "course") for file in train]
    assert len(parts) == min(shards, len(frames))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert [int(name[-4:]) for part in parts for *_, name in part] == [frame.instance_number for frame in frames]
    if shards == 5:
        assert train[1].name == "train_images-00001-of-00005.tfrecords"


def test_write_tfrecords_resampled_grid_is_rounded_to_integers(small_tree, tmp_path):
    fine = SunnybrookSAXDataset(small_tree, splits=SPLITS, image_size=(90, 80), pixel_spacing=2, intensity=None)
    fine.write_tfrecords(tmp_path / "records")
    read = SunnybrookSAXDataset.from_tfrecords(tmp_path / "records", image_size=(90, 80), intensity=None)
    images, labels = fine.as_arrays("train")
    np.testing.assert_array_equal(read.as_arrays("train")[0], np.rint(images))
    np.testing.assert_array_equal(read.as_arrays("train")[1], labels)


def test_records_spacing_or_myocardium_requested_is_an_error(records, small_tree, recwarn):
    with pytest.raises(DataError, match="has no pixel spacing; expected a spacing, or `pixel_spacing` None"):
        SAXDataset(records, pixel_spacing=1.0).as_arrays("all")
    with pytest.raises(DataError, match="has no myocardium contour"):
        SAXDataset(records, target="myocardium").as_arrays("all")
    with pytest.raises(DataError, match="holds no TFRecords"):
        SunnybrookSAXDataset.from_tfrecords(small_tree)


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({}, {"schema": "v2"}, "Invalid value for argument `schema`. Expected one of course, course-v1"),
        ({}, {"shards": 0}, "argument `shards`. Expected an integer above 0"),
        ({"splits": {"../out": ["PHANTOM0001"]}}, {}, "Expected names of letters, digits, .*Received: splits='../out'"),
        ({"target": "myocardium"}, {}, "argument `target`. Expected 'endocardium', the only"),
    ],
)
def test_write_tfrecords_invalid_argument_writes_nothing(small_tree, tmp_path, settings, arguments, message):
    dataset = SAXDataset(small_tree, **settings)
    with pytest.raises(ValueError, match=message):
        dataset.write_tfrecords(tmp_path / "records", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_write_tfrecords_unreadable_frame_or_used_folder_writes_nothing(small_tree, tmp_path):
    tree = shutil.copytree(small_tree, tmp_path / "tree")
    dataset = SAXDataset(tree)
    broken = dataset.labelled_frames("all")[-1].path
    broken.write_bytes(b"gone")
    with pytest.raises(DataError, match="is not a DICOM file"):
        dataset.write_tfrecords(tmp_path / "records")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "mine.txt").write_text("kept")
    with pytest.raises(DataError, match="is not empty"):
        dataset.write_tfrecords(tmp_path / "records")


def test_write_tfrecords_unlabelled_tree_is_an_error(small_tree, tmp_path):
    tree = shutil.copytree(small_tree, tmp_path / "tree")
    shutil.rmtree(tree / "contourfiles")
    with pytest.raises(DataError, match="has no endocardium contour; expected labelled frames"):
        SAXDataset(tree).write_tfrecords(tmp_path / "records")


def test_from_tfrecords_real_frames_equal_those_of_dicom(sunnybrook, tmp_path):
    dicom = SunnybrookSAXDataset(sunnybrook)
    (file,) = dicom.write_tfrecords(tmp_path / "records")
    assert file.name == "train_images.tfrecords"  # the sample's patients are all of the training part
    read = SunnybrookSAXDataset(tmp_path / "records")
    assert [patient.patient_id for patient in read.patients] == ["SC-HF-I-1", "SC-HF-I-2", "SC-HF-I-4"]
    for ours, theirs in zip(read.as_arrays("train"), dicom.as_arrays("train"), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    first = read_as_the_course_does(file, "course")[0][0] * 1024
    np.testing.assert_array_equal(first[..., 0], read_pixels(dicom.labelled_frames("train")[0].path))
