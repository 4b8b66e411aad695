import sys

import numpy as np
import pytest

from keras_lvseg.data import Augmentation, SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import polygon_mask
from keras_lvseg.io import read_contour
from keras_lvseg.io.dicom import read_pixels

SPLITS = {"train": ["PHANTOM0001", "PH-02"], "test": ["PHANTOM0003"]}


@pytest.fixture(scope="module")
def dataset(phantom_tree):
    return SAXDataset(phantom_tree, splits=SPLITS, image_size=(128, 128))


def test_as_arrays_equals_stored_pixels_and_filled_contours(phantom_tree):
    dataset = SAXDataset(phantom_tree, splits=SPLITS, intensity=None)
    images, labels = dataset.as_arrays("test")
    frames = dataset.labelled_frames("test")
    assert images.shape == labels.shape == (len(frames), 256, 256, 1)
    assert (images.dtype, labels.dtype) == (np.float32, np.uint8)
    for image, label, frame in zip(images, labels, frames, strict=True):
        np.testing.assert_array_equal(image[..., 0], read_pixels(frame.path))
        np.testing.assert_array_equal(label[..., 0], polygon_mask(read_contour(frame.endocardium), frame.shape))


def test_splits_by_either_name_take_whole_patients(dataset):
    patients = {split: {frame.patient_id for frame in dataset.labelled_frames(split)} for split in SPLITS}
    assert patients == {"train": {"PHANTOM0001", "PHANTOM0002"}, "test": {"PHANTOM0003"}}
    assert dataset.info["splits"]["train"]["patients"] == ["PHANTOM0001", "PHANTOM0002"]
    assert dataset.info["contour_origin"] == -0.75


def test_zscore_images_have_mean_0_and_deviation_1(dataset):
    images, _ = dataset.as_arrays("train")
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(images.std(axis=(1, 2, 3)), 1, atol=1e-5)


def test_intensity_course_or_function_is_applied_to_stored_values(phantom_tree):
    stored, _ = SAXDataset(phantom_tree, intensity=None).as_arrays("all")
    course, _ = SAXDataset(phantom_tree, intensity="course").as_arrays("all")
    np.testing.assert_allclose(course, stored / 1024)
    own, _ = SAXDataset(phantom_tree, intensity=np.sqrt).as_arrays("all")
    np.testing.assert_allclose(own, np.sqrt(stored), rtol=1e-6)


@pytest.mark.parametrize(("spacing", "size"), [(None, (301, 270)), (2.0, (100, 180))])
def test_labels_on_any_grid_keep_the_cavity_s_area(phantom_tree, spacing, size):
    dataset = SAXDataset(phantom_tree, image_size=size, pixel_spacing=spacing)
    images, labels = dataset.as_arrays("all")
    assert images.shape[1:] == (*size, 1)
    native = SAXDataset(phantom_tree)
    for frame, label, whole in zip(dataset.labelled_frames("all"), labels, native.as_arrays("all")[1], strict=True):
        area = label.sum() * (spacing**2 if spacing else frame.pixel_area)
        assert area == pytest.approx(whole.sum() * frame.pixel_area, rel=0.05, abs=25)


def test_target_myocardium_takes_frames_with_both_contours_only(phantom_tree):
    dataset = SAXDataset(phantom_tree, target="myocardium")
    frames = dataset.labelled_frames("all")
    assert {frame.phase for frame in frames if frame.patient_id == "PHANTOM0001"} == {dataset.patients[0].ed_phase}
    _, labels = dataset.as_arrays("all")
    assert all(set(np.unique(label)) == {0, 1, 2} for label in labels)
    endocardium = SAXDataset(phantom_tree)
    both = [frame.epicardium is not None for frame in endocardium.labelled_frames("all")]
    np.testing.assert_array_equal(labels == 1, endocardium.as_arrays("all")[1][both] == 1)


@pytest.mark.parametrize("batch_size", [1, 5, 1000])
@pytest.mark.parametrize("shuffle", [False, True])
def test_as_dataset_and_as_pydataset_without_augmentation_give_the_same_bits(dataset, batch_size, shuffle):
    images, labels = dataset.as_arrays("train")
    batches = list(dataset.as_dataset("train", batch_size=batch_size, shuffle=shuffle, seed=1).as_numpy_iterator())
    loader = dataset.as_pydataset("train", batch_size=batch_size, shuffle=shuffle, seed=1)
    assert len(batches) == len(loader)
    for batch, other in zip(batches, (loader[i] for i in range(len(loader))), strict=True):
        for part, same in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, same)
            assert part.dtype == same.dtype
    together = [np.concatenate(part) for part in zip(*batches, strict=True)]
    assert np.array_equal(together[0], images) is not shuffle
    pairs = {image.tobytes(): label.tobytes() for image, label in zip(*together, strict=True)}
    assert pairs == {image.tobytes(): label.tobytes() for image, label in zip(images, labels, strict=True)}
    assert len(pairs) == len(images)


def test_as_dataset_and_as_pydataset_augment_each_epoch_alike(dataset):
    augment = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, contrast=0.25, brightness=0.25)
    data = dataset.as_dataset("train", batch_size=8, shuffle=True, augment=augment, seed=3)
    loader = dataset.as_pydataset("train", batch_size=8, shuffle=True, augment=augment, seed=3)
    epochs = []
    for _ in range(2):
        for i, (images, labels) in enumerate(data.as_numpy_iterator()):
            other_images, other_labels = loader[i]
            np.testing.assert_allclose(images, other_images, atol=1e-3)
            assert np.mean(labels != other_labels) < 1e-4  # a pixel on the border between two may fall to either
        epochs.append(images)
        loader.on_epoch_end()
    assert not np.allclose(*epochs)


def test_as_dataset_has_static_shapes_and_a_known_length(dataset):
    data = dataset.as_dataset("train", batch_size=4, drop_remainder=True)
    assert [tuple(spec.shape) for spec in data.element_spec] == [(4, 128, 128, 1)] * 2
    assert int(data.cardinality()) == len(dataset.as_arrays("train")[0]) // 4 == len(list(data))
    single = dataset.as_dataset("train")
    assert [tuple(spec.shape) for spec in single.element_spec] == [(128, 128, 1)] * 2
    assert len(list(dataset.as_dataset("train", batch_size=7, repeat=True).take(30))) == 30


def test_as_dataset_shards_partition_the_images(dataset):
    images, _ = dataset.as_arrays("train")
    for epoch_shuffle in (False, True):
        parts = [dataset.as_dataset("train", shuffle=epoch_shuffle, seed=2, shard=(i, 3)) for i in range(3)]
        seen = np.concatenate([[image for image, _ in part.as_numpy_iterator()] for part in parts])
        assert len(seen) == len(images)
        np.testing.assert_array_equal(np.unique(seen, axis=0), np.unique(images, axis=0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "lv"}, "argument `target`. Expected one of endocardium, myocardium. Received: target='lv'"),
        ({"image_size": (0, 128)}, "`image_size`. Expected two integers above 0"),
        ({"image_size": (8.5, 8)}, "`image_size`. Expected two integers above 0"),
        ({"pixel_spacing": -1}, "`pixel_spacing`. Expected a finite number of mm above 0"),
        ({"pixel_spacing": np.inf}, "`pixel_spacing`. Expected a finite number of mm above 0"),
        (
            {"intensity": "minmax"},
            "`intensity`. Expected 'zscore', 'course', None or a function",
        ),
        (
            {"splits": {"train": ["PHANTOM0001"], "test": ["PH-01"]}},
            r"argument `splits`. Expected each .* Received: splits=\[\('train', 'PHANTOM0001'\), \('test', 'PH-01'\)\]",
        ),
        ({"splits": {"train": ["nobody"]}}, "has no patient 'nobody' for split 'train'; expected one of PHANTOM0001"),
    ],
)
def test_dataset_with_invalid_argument_raises(phantom_tree, arguments, message):
    with pytest.raises(ValueError, match=message):
        SAXDataset(phantom_tree, **arguments)


def test_methods_with_invalid_argument_raise(phantom_tree):
    dataset = SAXDataset(phantom_tree, splits={"train": ["PHANTOM0001"], "none": []})
    with pytest.raises(ValueError, match=r"argument `split`\. Expected one of train, none. Received: split='test'"):
        dataset.as_arrays("test")
    with pytest.raises(DataError, match="has no patient in split 'none'"):
        dataset.as_arrays("none")
    with pytest.raises(ValueError, match=r"`batch_size`\. Expected an integer of 1 or more"):
        dataset.as_pydataset("train", batch_size=0)
    with pytest.raises(ValueError, match=r"`batch_size`\. Expected an integer of 1 or more"):
        dataset.as_dataset("train", batch_size=0)
    with pytest.raises(ValueError, match=r"`shard`\. Expected \(index, count\) with index < count"):
        dataset.as_dataset("train", shard=(2, 2))
    with pytest.raises(
        ValueError,
        match=r"`seed`\. Expected an integer for a shuffled shard",
    ):
        dataset.as_dataset("train", shuffle=True, shard=(0, 2))


def test_intensity_function_that_changes_the_shape_raises(phantom_tree):
    dataset = SAXDataset(phantom_tree, intensity=lambda image: image.mean())
    with pytest.raises(ValueError, match=r"a function that keeps the shape \(256, 256\), not one that gives \(\)"):
        dataset.as_arrays("all")


def test_as_dataset_without_tensorflow_names_as_pydataset(phantom_tree, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras_lvseg.data.tf_dataset", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    with pytest.raises(ImportError, match="`as_pydataset`") as caught:
        SAXDataset(phantom_tree).as_dataset("all")
    assert "\n" not in str(caught.value)
