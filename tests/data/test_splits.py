import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.data import SAXDataset, patient_folds, patient_split

cohorts = st.sets(st.text("abc0123456789", min_size=1), min_size=5, max_size=40)


@given(cohorts, st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.2, 0.4]))
def test_sides_share_nobody_and_miss_nobody(patients, seed, validation, test):
    split = patient_split(patients, validation, test, seed)
    members = [name for side in split.values() for name in side]
    assert sorted(members) == sorted(patients)
    assert ("validation" in split, "test" in split) == (validation > 0, test > 0)
    assert split == patient_split(sorted(patients, reverse=True), validation, test, seed)


@given(cohorts, st.integers(0, 1000), st.integers(2, 5))
def test_each_patient_is_tested_once(patients, seed, folds):
    mappings = patient_folds(patients, folds, seed)
    assert len(mappings) == folds
    assert sorted(name for fold in mappings for name in fold["test"]) == sorted(patients)
    for fold in mappings:
        assert set(fold["train"]) | set(fold["test"]) == patients
        assert not set(fold["train"]) & set(fold["test"])
        assert len(fold["test"]) in (len(patients) // folds, len(patients) // folds + 1)


def test_another_seed_is_another_split():
    patients = [f"patient {i}" for i in range(20)]
    assert patient_split(patients, seed=0) != patient_split(patients, seed=1)


def test_patients_of_a_data_set_do(phantom_tree):
    split = patient_split(SAXDataset(phantom_tree).patients, validation=0, test=0.3)
    assert len(split["train"]) == 2
    assert SAXDataset(phantom_tree, splits=split).info["splits"]["test"]["patients"] == list(split["test"])


@pytest.mark.parametrize("arguments", [{"test": 1.0}, {"validation": -0.1}, {"validation": 0.5, "test": 0.5}])
def test_a_split_without_training_patients_is_refused(arguments):
    with pytest.raises(ValueError, match="validation and test have to leave"):
        patient_split(["a", "b", "c"], **arguments)


@pytest.mark.parametrize("folds", [1, 4])
def test_folds_have_to_fit_the_patients(folds):
    with pytest.raises(ValueError, match="folds has to be 2 or more"):
        patient_folds(["a", "b", "c"], folds)
