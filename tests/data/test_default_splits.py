import pytest

from keras_lvseg.data.default_splits import choose_splits
from keras_lvseg.data.layouts import PatientFiles


def patients(*originals):
    return [PatientFiles(f"P{i}", original, (), ()) for i, original in enumerate(originals)]


def test_the_challenge_s_lists_decide_where_all_parts_are_there():
    split = choose_splits(patients("SC-N-02", "SC-N-5", "SC-N-09", "SC-N-3"))
    assert split == {"train": ("P0", "P3"), "validation": ("P1",), "test": ("P2",)}


def test_else_a_fifth_is_drawn_for_the_test():
    few, many = choose_splits(patients("SC-N-2", "SC-N-3", "x")), choose_splits(patients(*map(str, range(20))))
    assert {name: len(side) for name, side in few.items()} == {"train": 2, "test": 1}
    assert {name: len(side) for name, side in many.items()} == {"train": 12, "validation": 4, "test": 4}


def test_named_patients_are_kept_apart_by_either_name():
    split = choose_splits(patients("a", "b", "c", "d"), test=["b"], validation=["P3"])
    assert split == {"train": ("P0", "P2"), "validation": ("P3",), "test": ("P1",)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test": ["nobody"]}, "test and validation have to be patients of P0, P1"),
        ({"test": ["a", "b"]}, "have to leave a patient for training"),
    ],
)
def test_what_cannot_be_kept_apart_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        choose_splits(patients("a", "b"), **arguments)


def test_one_patient_is_too_few():
    with pytest.raises(ValueError, match="two patients at least"):
        choose_splits(patients("a"))
