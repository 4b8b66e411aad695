import shutil

import numpy as np
import pytest

from keras_lvseg.data import SunnybrookSAXDataset
from keras_lvseg.errors import DataError
from tests.small_tree import write_small_tree


def test_official_splits_of_zero_padded_names_are_found(tmp_path):
    folder = write_small_tree(tmp_path / "tree", {"P1": "SC-N-02", "P2": "SC-HYP-6", "P3": "SC-HF-NI-15"})
    dataset = SunnybrookSAXDataset(folder)
    patients = {name: split["patients"] for name, split in dataset.info["splits"].items()}
    assert patients == {"train": ["P1"], "validation": ["P2"], "test": ["P3"]}


def test_official_splits_with_unknown_patients_raise(phantom_tree):
    with pytest.raises(
        DataError, match=r"has patients in none of .* lists: PH-01, PH-02, PH-03; pass `splits` as a mapping"
    ):
        SunnybrookSAXDataset(phantom_tree)


def test_splits_with_unknown_name_raise(phantom_tree):
    with pytest.raises(
        ValueError,
        match=r"argument `splits`\. Expected 'official', .* Received: splits='random'",
    ):
        SunnybrookSAXDataset(phantom_tree, splits="random")


def test_course_split_without_its_260_images_raises(tmp_path):
    folder = write_small_tree(tmp_path / "tree", {"P1": "SC-N-2"})
    with pytest.raises(
        DataError, match=r"expected 260 labelled images of the challenge's 15 training patients, got \d+ of 1$"
    ):
        SunnybrookSAXDataset(folder, splits="course")


def test_real_sample_is_all_train_with_the_published_areas(sunnybrook):
    dataset = SunnybrookSAXDataset(sunnybrook)
    assert {name: split["labelled_frames"] for name, split in dataset.info["splits"].items()} == {
        "train": 56,
        "validation": 0,
        "test": 0,
    }
    images, labels = dataset.as_arrays("train")
    assert images.shape == (56, 256, 256, 1)
    # The table of areas that comes with the sample, in mm2.
    areas = [label.sum() * f.pixel_area for label, f in zip(labels, dataset.labelled_frames("train"), strict=True)]
    for patient, low, high in (("SCD0000101", 643, 2802), ("SCD0000201", 146, 4086), ("SCD0000301", 825, 3965)):
        own = [a for a, f in zip(areas, dataset.labelled_frames("train"), strict=True) if f.patient_id == patient]
        assert min(own) == pytest.approx(low, rel=0.03)
        assert max(own) == pytest.approx(high, rel=0.01)


def test_labels_of_real_patients_are_brighter_than_their_surroundings(sunnybrook):
    from scipy.ndimage import binary_dilation

    images, labels = SunnybrookSAXDataset(sunnybrook, intensity=None).as_arrays("train")
    for image, label in zip(images[..., 0], labels[..., 0] == 1, strict=True):
        ring = binary_dilation(label, iterations=3) & ~label
        assert image[label].mean() - image[ring].mean() > 50


def test_dataset_of_a_changed_tree_has_the_new_contour(phantom_tree, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    splits = {"train": ["PHANTOM0001"]}
    before = SunnybrookSAXDataset(tree, splits=splits).as_arrays("train")[1]
    path = next(tree.glob("contourfiles/PH-01/i-contours/*.txt"))
    path.write_text("10 10\n20 10\n20 20\n10 20\n")
    after = SunnybrookSAXDataset(tree, splits=splits).as_arrays("train")[1]
    assert (np.abs(before.astype(int) - after).sum(axis=(1, 2, 3)) > 0).sum() == 1
