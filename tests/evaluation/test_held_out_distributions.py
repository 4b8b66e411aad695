import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_lvseg.data import patient_folds
from keras_lvseg.evaluation import fit_volume_calibration, held_out_distributions


def draw(count, seed):
    rng = np.random.default_rng(seed)
    true = rng.gamma(9, 18, count)
    return true * 0.9 + rng.normal(0, 8, count), true


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.integers(2, 10), st.integers(0, 3))
def test_folds_never_share_a_patient_and_test_each_once(numbers, folds, seed):
    patients = [str(number) for number in numbers]
    folds = min(folds, len(set(patients)))
    if folds < 2:
        return
    parts = patient_folds(patients, folds, seed=seed)
    assert sorted(name for part in parts for name in part["test"]) == sorted(set(patients))
    assert not any(set(part["train"]) & set(part["test"]) for part in parts)


@settings(max_examples=5)
@given(st.integers(0, 19), st.floats(0, 600))
def test_held_out_distributions_of_a_patient_do_not_depend_on_its_own_truth(index, other):
    measured, true = draw(20, seed=0)
    patients = [f"P{i // 2}" for i in range(20)]  # two studies each
    before = held_out_distributions(measured, true, patients, folds=5)
    changed = true.copy()
    changed[index] = other
    after = held_out_distributions(measured, changed, patients, folds=5)
    fold = next(part["test"] for part in patient_folds(patients, 5) if patients[index] in part["test"])
    own = np.isin(patients, fold)
    np.testing.assert_array_equal(after[own], before[own])


def test_held_out_distributions_are_those_of_a_fit_without_the_fold():
    measured, true = draw(8, seed=1)
    measured[2] = math.nan
    patients = list("abcdefgh")
    rows = held_out_distributions(measured, true, patients)  # one patient a fold
    for i in range(8):
        others = np.arange(8) != i
        expected = fit_volume_calibration(measured[others], true[others]).distributions(measured[[i]])
        np.testing.assert_array_equal(rows[[i]], expected)


@pytest.mark.parametrize("count", [1, 5])
def test_held_out_distributions_of_too_few_patients_raise(count):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        held_out_distributions(*draw(count, seed=0), [str(i) for i in range(count)])


def test_held_out_distributions_of_unequal_lengths_raise():
    with pytest.raises(ValueError, match="Invalid value for argument"):
        held_out_distributions([1.0] * 8, [1.0] * 8, ["a"] * 7)
