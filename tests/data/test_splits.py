from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.data import SAXDataset, choose_splits, patient_folds, patient_split
from keras_lvseg.studies.patient import Patient

cohorts = st.sets(st.text("abc0123456789", min_size=1), min_size=5, max_size=40)


def patients(*original_ids):
    return [Patient(f"P{i}", original, (), 0, None, None, None, None) for i, original in enumerate(original_ids)]


@given(cohorts, st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.3]), st.sampled_from([0.0, 0.2, 0.4]))
def test_patient_split_of_any_cohort_has_each_patient_once(patients, seed, validation, test):
    split = patient_split(patients, validation=validation, test=test, seed=seed)
    members = [name for side in split.values() for name in side]
    assert sorted(members) == sorted(patients)
    assert ("validation" in split, "test" in split) == (validation > 0, test > 0)
    assert split == patient_split(sorted(patients, reverse=True), validation=validation, test=test, seed=seed)


@given(cohorts, st.integers(0, 1000), st.integers(2, 5))
def test_patient_folds_of_any_cohort_test_each_patient_once(patients, seed, folds):
    mappings = patient_folds(patients, folds, seed=seed)
    assert len(mappings) == folds
    assert sorted(name for fold in mappings for name in fold["test"]) == sorted(patients)
    for fold in mappings:
        assert set(fold["train"]) | set(fold["test"]) == patients
        assert not set(fold["train"]) & set(fold["test"])
        assert len(fold["test"]) in (len(patients) // folds, len(patients) // folds + 1)


def test_patient_split_with_another_seed_differs():
    patients = [f"patient {i}" for i in range(20)]
    assert patient_split(patients, seed=0) != patient_split(patients, seed=1)


def test_patient_split_of_patients_equals_split_of_their_names(phantom_tree):
    split = patient_split(SAXDataset(phantom_tree).patients, validation=0, test=0.3)
    assert len(split["train"]) == 2
    assert split == patient_split(["PHANTOM0001", "PHANTOM0002", "PHANTOM0003"], validation=0, test=0.3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test": 1.0}, "argument `test`. Expected a fraction in .* Received: test=1.0"),
        ({"validation": -0.1}, "argument `validation`. Expected a fraction in .* Received: validation=-0.1"),
        ({"validation": 0.5, "test": 0.5}, r"argument `patients`. Expected more than 4.* Received: patients=\['a',"),
    ],
)
def test_patient_split_without_training_patients_raises(arguments, message):
    with pytest.raises(ValueError, match=message):
        patient_split(["a", "b", "c"], **arguments)


@pytest.mark.parametrize("folds", [1, 4])
def test_patient_folds_of_too_few_patients_raises(folds):
    with pytest.raises(ValueError, match=f"argument `folds`. Expected 2 to 3, .* Received: folds={folds}"):
        patient_folds(["a", "b", "c"], folds)


def test_choose_splits_with_all_three_official_parts_follows_the_challenge():
    split = choose_splits(patients("SC-N-02", "SC-N-5", "SC-N-09", "SC-N-3"))
    assert split == {"train": ("P0", "P3"), "validation": ("P1",), "test": ("P2",)}


def test_choose_splits_without_official_parts_draws_a_fifth_for_the_test():
    few, many = choose_splits(patients("SC-N-2", "SC-N-3", "x")), choose_splits(patients(*map(str, range(20))))
    assert {name: len(side) for name, side in few.items()} == {"train": 2, "test": 1}
    assert {name: len(side) for name, side in many.items()} == {"train": 12, "validation": 4, "test": 4}


def test_choose_splits_with_named_patients_holds_them_out_by_either_name():
    split = choose_splits(patients("a", "b", "c", "d"), test=["b"], validation=["P3"])
    assert split == {"train": ("P0", "P2"), "validation": ("P3",), "test": ("P1",)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test": ["x"]}, r"argument `test`. Expected patients among P0, P1. Received: test=\['x'\]"),
        ({"validation": ["x"]}, r"argument `validation`. Expected patients among P0, P1. Received: validation="),
        ({"test": ["a", "b"]}, "Expected a patient left for training"),
    ],
)
def test_choose_splits_with_impossible_names_raises(arguments, message):
    with pytest.raises(ValueError, match=message):
        choose_splits(patients("a", "b"), **arguments)


def test_choose_splits_of_one_patient_raises():
    with pytest.raises(ValueError, match="Expected two or more, one to train on and one to test on"):
        choose_splits(patients("a"))


@pytest.mark.parametrize("function", [patient_split, partial(choose_splits, test=["PH-02"])])
def test_dataset_with_a_function_as_splits_equals_dataset_with_its_mapping(phantom_tree, function):
    mapping = function(SAXDataset(phantom_tree).patients)
    by_function, by_mapping = (SAXDataset(phantom_tree, splits=splits).info for splits in (function, mapping))
    assert by_function == by_mapping
