"""Splits share no patient, checked by the pixels that a network gets."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.audit import audit_tree
from keras_lvseg.data import (
    OFFICIAL_SPLITS,
    SAXDataset,
    SunnybrookSAXDataset,
    choose_splits,
    patient_folds,
    patient_split,
)
from keras_lvseg.errors import DataError
from keras_lvseg.studies import Patient
from tests.small_tree import edit, images_of, write_small_tree

PATIENTS = {f"P{i}": f"SMALL-{i}" for i in range(8)}
SHAPE = (20, 16)
seeds = st.integers(0, 2**32 - 1)


def pixels(path):
    return pydicom.dcmread(path).pixel_array.astype(np.float32).tobytes()


@dataclass
class Cohort:
    """Patients of a tree, the patient of each image by its pixels, and the splits that were found apart."""

    folder: Path
    patients: Sequence[Patient]
    owners: dict[bytes, str]
    apart: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Patients with a few frames each."""
    folder = write_small_tree(tmp_path_factory.mktemp("leaks") / "tree", PATIENTS, slices=1, phases=2)
    owners = {pixels(path): patient for patient in PATIENTS for path in images_of(folder, patient)}
    return Cohort(folder, SAXDataset(folder).patients, owners)


@pytest.fixture(scope="module")
def challenge(tmp_path_factory):
    """All 45 patients of the challenge; the training patients have the course's 260 images."""
    names = [name for split in OFFICIAL_SPLITS.values() for name in split]
    patients = {f"SCD{i:07}": name for i, name in enumerate(names, 1)}
    folder = tmp_path_factory.mktemp("challenge") / "tree"
    write_small_tree(folder, patients, slices=3, phases=6)
    training = [folder / "contourfiles" / name / "i-contours" for name in OFFICIAL_SPLITS["train"]]
    for path in [path for contours in training for path in sorted(contours.glob("*.txt"))][260:]:
        path.unlink()
    return folder, {pixels(path): patient for patient in patients for path in images_of(folder, patient)}


def sides(dataset, owners):
    """Return the patients in each split of a data set, by the pixels of their images."""
    return {
        split: {owners[image.tobytes()] for image in dataset.as_arrays(split)[0]}
        for split in dataset.info["splits"]
        if dataset.labelled_frames(split)
    }


def assert_apart(cohort, splits):
    if repr(splits) in cohort.apart:
        return  # seeds draw the same splits again and again
    found = sides(SAXDataset(cohort.folder, splits=splits, image_size=SHAPE, intensity=None), cohort.owners)
    assert found == {split: {name.replace("SMALL-", "P") for name in names} for split, names in splits.items() if names}
    assert sum(map(len, found.values())) == len(set().union(*found.values()))
    cohort.apart.add(repr(splits))


@given(seeds, st.sampled_from([0.0, 0.2, 0.4]), st.sampled_from([0.0, 0.2, 0.5]))
def test_patient_split_shares_no_patient(cohort, seed, validation, test):
    assert_apart(cohort, patient_split(cohort.patients, validation=validation, test=test, seed=seed))


@given(seeds, st.integers(2, len(PATIENTS)))
def test_patient_folds_share_no_patient(cohort, seed, folds):
    for splits in patient_folds(cohort.patients, folds, seed=seed)[:3]:
        assert_apart(cohort, splits)


@given(seeds, st.sets(st.sampled_from(sorted(PATIENTS)), max_size=2), st.booleans())
def test_choose_splits_shares_no_patient(cohort, seed, test, by_other_name):
    names = [PATIENTS[name] if by_other_name else name for name in sorted(test)]
    assert_apart(cohort, choose_splits(cohort.patients, test=names, seed=seed))


@given(st.lists(st.sampled_from([None, "train", "validation", "test"]), min_size=8, max_size=8), st.data())
def test_splits_mapping_shares_no_patient(cohort, sides_of, data):
    splits: dict[str, list[str]] = {}
    for patient, side in zip(PATIENTS, sides_of, strict=True):
        if side:
            splits.setdefault(side, []).append(data.draw(st.sampled_from([patient, PATIENTS[patient]])))
    assert_apart(cohort, splits)


@given(st.sampled_from(sorted(PATIENTS)), st.booleans(), st.booleans())
def test_splits_patient_in_two_splits_raises_under_either_name(cohort, patient, one, other):
    names = [PATIENTS[patient] if choice else patient for choice in (one, other)]
    with pytest.raises(ValueError, match=r"argument `splits`\. Expected each patient in one split, once"):
        SAXDataset(cohort.folder, splits={"train": [names[0]], "test": [names[1]]})


def test_splits_none_has_all_patients_in_one_split(cohort):
    dataset = SAXDataset(cohort.folder, image_size=SHAPE, intensity=None)
    assert sides(dataset, cohort.owners) == {"all": {*PATIENTS}}


@pytest.mark.slow
def test_official_splits_share_no_patient(challenge):
    folder, owners = challenge
    found = sides(SunnybrookSAXDataset(folder, image_size=SHAPE, intensity=None), owners)
    assert [len(patients) for patients in found.values()] == [15, 15, 15]
    assert len(set().union(*found.values())) == 45


@pytest.mark.slow
def test_course_split_shares_patients_and_warns(challenge):
    folder, owners = challenge
    with pytest.warns(UserWarning, match="one patient on both sides"):
        dataset = SunnybrookSAXDataset(folder, splits="course", image_size=SHAPE, intensity=None)
    found = sides(dataset, owners)
    assert found["train"] & found["validation"]
    assert dataset.info["patients_on_both_sides"] is True
    images = [{image.tobytes() for image in dataset.as_arrays(split)[0]} for split in found]
    assert [len(side) for side in images] == [234, 26]
    assert not images[0] & images[1]


@pytest.fixture
def copied(tmp_path):
    """A tree with a copy of a patient under a second name."""
    folder = write_small_tree(tmp_path / "tree", {"A": "a", "B": "b"}, slices=1, phases=3)
    shutil.copytree(folder / "dicoms/A", folder / "dicoms/C")
    shutil.copytree(folder / "contourfiles/a", folder / "contourfiles/c")
    (folder / "link.csv").write_text("patient_id,original_id\nA,a\nB,b\nC,c\n")
    return folder


def test_splits_copied_patient_raises_by_uids(copied):
    with pytest.raises(DataError, match=r"in split 'test' has the SOPInstanceUID of .*A/1\.dcm in 'train'") as caught:
        SAXDataset(copied, splits={"train": ["A", "B"], "test": ["C"]})
    assert caught.value.path == str(copied / "dicoms/C/1.dcm")
    SAXDataset(copied, splits={"train": ["A", "C"], "test": ["B"]})


def test_as_arrays_copied_patient_raises_by_pixels(copied):
    for i, path in enumerate(images_of(copied, "C")):
        edit(path, SOPInstanceUID=f"1.2.99.{i}")
    dataset = SAXDataset(copied, splits={"train": ["A", "B"], "test": ["C"]}, image_size=SHAPE)
    dataset.as_arrays("train")
    with pytest.raises(DataError, match=r"in split 'test' has the same pixels as .*A/\d\.dcm in 'train'"):
        dataset.as_arrays("test")
    together = SAXDataset(copied, splits={"train": ["A", "C"], "test": ["B"]}, image_size=SHAPE)
    assert [len(together.as_arrays(split)[0]) for split in ("train", "test")] == [6, 3]
    finding = next(finding for finding in audit_tree(copied).errors if finding.code == "repeated-patient")
    assert finding.patients == ("A", "C")
    assert finding.message == "share 3 images with equal pixels"
    assert "score is too high" in finding.consequence
