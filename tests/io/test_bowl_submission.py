import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg import DataError
from keras_lvseg.evaluation import volume_distribution
from keras_lvseg.io import read_bowl_rows, write_bowl_submission


def read(path):
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return header, [row[0] for row in rows], np.array([row[1:] for row in rows], dtype=float)


@given(st.floats(0, 599), st.floats(0.5, 80))
def test_submission_has_the_format_of_the_bowl_and_rows_that_never_fall(tmp_path_factory, mean, sd):
    path = tmp_path_factory.mktemp("bowl") / "submission.csv"
    edv, esv = volume_distribution([mean, mean / 2], sd)
    write_bowl_submission(path, {"501": edv, "502": edv}, {"501": esv, "502": esv})
    header, names, rows = read(path)
    assert header == ["Id", *(f"P{n}" for n in range(600))]
    assert names == ["501_Diastole", "501_Systole", "502_Diastole", "502_Systole"]
    np.testing.assert_allclose(rows, [edv, esv, edv, esv], atol=1e-6)
    assert (np.diff(rows, axis=1) >= 0).all()
    assert ((rows >= 0) & (rows <= 1)).all()


def test_submission_has_the_rows_of_the_sample_in_its_order(tmp_path):
    (tmp_path / "sample.csv").write_text("Id,P0\n501_Systole,0\n502_Diastole,0\n501_Diastole,0\n")
    rows = read_bowl_rows(tmp_path / "sample.csv")
    assert rows == {"501_Systole": "501", "502_Diastole": "502", "501_Diastole": "501"}
    own = {"501": np.zeros(600), "502": np.ones(600)}
    write_bowl_submission(tmp_path / "submission.csv", own, own, order=[*rows])
    assert read(tmp_path / "submission.csv")[1] == [*rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Patient,P0\n501_Systole,0\n", ["has no column Id"]),
        ("", ["has no column Id"]),
        ("Id,P0\n", ["has no row"]),
        ("Id,P0\n501_Systole,0\n501,0\n", ["has an unknown row 3", "got '501'"]),
        ("Id,P0\n501_systole,0\n", ["has an unknown row 2", "expected <study>_Diastole or <study>_Systole"]),
        ("Id,P0\n501_Systole,0\n501_Systole,0\n", ["has an unknown row 3", "each once"]),
    ],
)
def test_unusable_sample_raises_one_line(tmp_path, text, words):
    (tmp_path / "sample.csv").write_text(text)
    with pytest.raises(DataError) as error:
        read_bowl_rows(tmp_path / "sample.csv")
    for word in ("sample.csv", *words):
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("edv", "esv", "order"),
    [
        ({"1": np.zeros(600)}, {"2": np.zeros(600)}, None),
        ({"1": np.zeros(599)}, {"1": np.zeros(600)}, None),
        ({"1": np.zeros(600)}, {"1": np.zeros(600)}, ["2_Systole"]),
    ],
)
def test_submission_of_unequal_studies_raises_and_writes_nothing(tmp_path, edv, esv, order):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        write_bowl_submission(tmp_path / "submission.csv", edv, esv, order=order)
    assert [*tmp_path.iterdir()] == []
