import shutil

import numpy as np
import pytest

from keras_lvseg.data import OFFICIAL_SPLITS, SunnybrookSAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.phantom import write_phantom


def renamed_phantoms(folder, names):
    """Phantoms under patients' names of the challenge."""
    write_phantom(folder, patients=len(names), seed=1, frames="contoured")
    lines = ["patient_id,original_id"]
    for i, name in enumerate(names, 1):
        (folder / "contourfiles" / f"PH-{i:02}").rename(folder / "contourfiles" / name)
        lines.append(f"PHANTOM{i:04},{name}")
    (folder / "link.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_official_splits_of_zero_padded_names_are_found(tmp_path):
    folder = renamed_phantoms(tmp_path / "tree", ["SC-N-02", "SC-HYP-6", "SC-HF-NI-15"])
    dataset = SunnybrookSAXDataset(folder)
    patients = {name: split["patients"] for name, split in dataset.info["splits"].items()}
    assert patients == {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"], "test": ["PHANTOM0003"]}


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
    folder = renamed_phantoms(tmp_path / "tree", ["SC-N-2"])
    with pytest.raises(
        DataError, match=r"expected 260 labelled images of the challenge's 15 training patients, got \d+ of 1$"
    ):
        SunnybrookSAXDataset(folder, splits="course")


def test_course_split_warns_of_patients_on_both_sides(tmp_path):
    folder = renamed_phantoms(tmp_path / "tree", OFFICIAL_SPLITS["train"])
    contours = sorted(folder.glob("contourfiles/*/i-contours/*.txt"))
    for path in contours[260:]:
        path.unlink()
        (path.parents[1] / "o-contours" / path.name.replace("icontour", "ocontour")).unlink(missing_ok=True)
    assert len(contours) >= 260
    with pytest.warns(UserWarning, match="one patient on both sides"):
        dataset = SunnybrookSAXDataset(folder, splits="course", image_size=(64, 64))
    sides = {name: dataset.labelled_frames(name) for name in ("train", "validation")}
    assert [len(side) for side in sides.values()] == [234, 26]
    assert not {f.path for f in sides["train"]} & {f.path for f in sides["validation"]}
    assert dataset.info["patients_on_both_sides"] is True


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
