import csv

import pytest

from keras_lvseg.reporting import VOLUME_COLUMNS, segmentation_notes, segmentation_table, write_volume_table


def study(**changes):
    values = dict.fromkeys(VOLUME_COLUMNS) | {"study": "P1", "patient": "P1", "slices": 8, "phases": 20}
    figures = {"edv_ml": 101.61, "esv_ml": 44.2, "ejection_fraction_percent": 56.5}
    return values | figures | {"flags": [], "error": None, "skipped_images": 0} | changes


UNKNOWN = {"edv_ml": None, "esv_ml": None, "ejection_fraction_percent": None}
FLAGS = [{"code": "one-slice", "reason": "it is one slice"}, {"code": "empty-masks", "reason": "all masks are empty"}]


def cells(text):
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[0] == "│"]


def test_segmentation_table_has_a_row_per_study(printed):
    unknown = study(study="[bold]\n", flags=FLAGS, **UNKNOWN)
    assert cells(printed(segmentation_table([study(), unknown], width=160))) == [
        ["P1", "102", "44", "56", ""],
        [r"[bold]\n", "", "", "", "one-slice empty-masks"],
    ]


def test_segmentation_table_on_a_narrow_terminal_has_a_line_per_study(printed):
    shown = printed(segmentation_table([study(), study(study="P2", flags=FLAGS, **UNKNOWN)], width=40))
    assert shown.splitlines() == ["P1: EDV 102 mL, ESV 44 mL, EF 56 %", "P2: one-slice empty-masks"]


def test_segmentation_notes_have_failures_notes_and_skips():
    studies = [study(error="no image can be read"), study(study="P2", skipped_images=3)]
    assert [*segmentation_notes(studies, ["a note"], [{"file": None, "reason": "cannot be segmented"}])] == [
        "failed: P1: no image can be read",
        "a note",
        "P2: 3 images skipped, see study.json",
        "no mask: a file: cannot be segmented",
    ]


def test_segmentation_notes_have_flags_with_reasons_and_no_more_than_ten():
    studies = [study(study="P2", flags=FLAGS), study(study="P3", flags=5 * FLAGS)]
    lines = [*segmentation_notes(studies, [], [])]
    assert lines[:2] == ["P2: one-slice: it is one slice", "P2: empty-masks: all masks are empty"]
    assert lines[10:] == ["2 more flags, see index.html"]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+2", "'=1+2"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", r"\t=1"),
        ("a\nb", r"a\nb"),
        ('a,"b"', 'a,"b"'),
        ("caf\udce9", r"caf\udce9"),
        ("Ä-1", "Ä-1"),
    ],
)
def test_write_volume_table_cells_are_text_and_never_formulas(tmp_path, name, cell):
    write_volume_table(tmp_path / "volumes.csv", [study(study=name, patient=name, flags=FLAGS, esv_ml=-1.5)])
    with (tmp_path / "volumes.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["study"], row["patient"]) == (cell, cell)
    assert (row["edv_ml"], row["esv_ml"], row["myocardial_mass_g"]) == ("101.61", "-1.5", "")
    assert row["flags"] == "one-slice empty-masks"
