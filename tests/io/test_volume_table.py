import pytest

from keras_lvseg import DataError
from keras_lvseg.io import VolumeRow, read_volume_table
from keras_lvseg.reporting import VOLUME_COLUMNS, write_volume_table


@pytest.fixture
def read(tmp_path):
    """Read a table of this text, or of these bytes."""

    def write_and_read(text, **options):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_volume_table(path, **options)

    return write_and_read


def told(table):
    """The problems without the folder."""
    return [line.removeprefix(f"{table.path.parent}/") for line in table.problems]


def test_table_of_the_bowl_is_read(read):
    table = read("Id,Systole,Diastole\n1,108.3,246.7\n2,54.6,137.2\n")
    assert table.rows == (VolumeRow("1", "1", 246.7, 108.3), VolumeRow("2", "2", 137.2, 54.6))
    assert table.problems == ()


@pytest.mark.parametrize("name", ["7", "=1+2", "-1", "@a", "Ä, b"])
def test_volumes_of_segment_are_read_with_names_that_look_like_formulas(tmp_path, name):
    study = dict.fromkeys(VOLUME_COLUMNS) | {"study": name, "patient": "P1", "flags": []}
    write_volume_table(tmp_path / "volumes.csv", [study | {"edv_ml": 120.5, "esv_ml": 60.25}])
    assert read_volume_table(tmp_path / "volumes.csv").rows == (VolumeRow(name, "P1", 120.5, 60.25),)


def test_unknown_volumes_of_segment_are_named_with_their_flags(tmp_path):
    flags = [{"code": "one-slice", "reason": "it is one slice"}, {"code": "empty-masks", "reason": "all are empty"}]
    study = dict.fromkeys(VOLUME_COLUMNS) | {"study": "7", "flags": flags}
    write_volume_table(tmp_path / "volumes.csv", [study])
    table = read_volume_table(tmp_path / "volumes.csv")
    assert table.rows == (VolumeRow("7", "7", None, None),)
    assert told(table) == ["volumes.csv: has no edv_ml and no esv_ml in row 2, study '7'; flags: one-slice empty-masks"]


def test_key_chooses_the_column_of_the_study(read):
    text = "study,patient,edv_ml,esv_ml\nA-1,A,120,60\nB-1,B,100,50\n"
    assert [row.study for row in read(text).rows] == ["A-1", "B-1"]
    assert [row.study for row in read(text, key="patient").rows] == ["A", "B"]
    assert [row.patient for row in read(text).rows] == ["A", "B"]


def test_table_as_spreadsheets_write_it_is_read(read):
    table = read("\ufeffstudy, edv_ml ,esv_ml\r\n\r\n A ,120,60\r\n".encode())
    assert table.rows == (VolumeRow("A", "A", 120, 60),)


@pytest.mark.parametrize(
    ("row", "volumes", "problem"),
    [
        ("3,50,", (None, 50), "has no Diastole in row 3, study '3'"),
        ("3,,", (None, None), "has no Diastole and no Systole in row 3, study '3'"),
        ("3,abc,100", (100, None), "has no Systole in row 3, study '3'; expected mL, 0 or more, got 'abc'"),
        ("3,-1,100", (100, None), "has no Systole in row 3, study '3'; expected mL, 0 or more, got '-1'"),
        ("3,nan,100", (100, None), "has no Systole in row 3, study '3'; expected mL, 0 or more, got 'nan'"),
        ("3,50,inf", (None, 50), "has no Diastole in row 3, study '3'; expected mL, 0 or more, got 'inf'"),
        (
            "3,100,50",
            (None, None),
            "has no volumes in row 3, study '3'; expected Systole at most Diastole, got 100 and 50",
        ),
    ],
)
def test_unusable_cell_is_unknown_and_named(read, row, volumes, problem):
    table = read(f"Id,Systole,Diastole\n1,50,100\n{row}\n")
    assert [(own.study, own.edv_ml, own.esv_ml) for own in table.rows] == [("1", 100, 50), ("3", *volumes)]
    assert told(table) == [f"table.csv: {problem}"]


@pytest.mark.parametrize(
    ("rows", "left", "problem"),
    [
        ("2,108,3,246,7", ["1"], "has 5 cells in row 3; expected 3, as in the first row"),
        ("2,50", ["1"], "has 2 cells in row 3; expected 3, as in the first row"),
        (",50,100", ["1"], "has no Id in row 3; expected the name of a study"),
        (
            "1,50,100\n2,50,100\n1,40,90",
            ["2"],
            "has study '1' in rows 2, 3, 5; expected one row per study; all of them are left out",
        ),
    ],
)
def test_unusable_row_is_left_out_and_named(read, rows, left, problem):
    table = read(f"Id,Systole,Diastole\n1,50,100\n{rows}\n")
    assert [row.study for row in table.rows] == left
    assert told(table) == [f"table.csv: {problem}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["has other columns", "expected study,edv_ml,esv_ml or Id,Systole,Diastole", "got an empty file"]),
        ("Id;Systole;Diastole\n1;50;100\n", ["has other columns", "got Id;Systole;Diastole"]),
        ("study,edv_ml\nA,1\n", ["has other columns", "got study,edv_ml"]),
        ("study,edv_ml,esv_ml,edv_ml\nA,2,1,2\n", ["has the column 'edv_ml' twice"]),
        ("Id,Systole,Diastole\n", ["has no usable row"]),
        ("Id,Systole,Diastole\n1,2\n", ["has no usable row", "has 2 cells in row 2"]),
        (b"Id,Systole,Diastole\n\xff,1,2\n", ["is not CSV in UTF-8"]),
        ('Id,Systole,Diastole\n"1,2,3\n', ["is not CSV in UTF-8"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00", ["is not CSV in UTF-8"]),
    ],
)
def test_unusable_table_raises_one_line(read, text, words):
    with pytest.raises(DataError) as error:
        read(text)
    for word in ("table.csv", *words):
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_table_raises(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read"):
        read_volume_table(tmp_path / "absent.csv")


def test_select_has_a_row_per_study_unknown_ones_included(read):
    table = read("Id,Systole,Diastole\n1,50,100\n2,60,110\n")
    rows = table.select(["2", "2", "9"])
    assert [(row.study, row.edv_ml, row.esv_ml) for row in rows] == [("2", 110, 60), ("9", None, None)]
