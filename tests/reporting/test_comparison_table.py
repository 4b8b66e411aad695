from dataclasses import replace

import pytest

from keras_lvseg.evaluation import compare_volumes
from keras_lvseg.reporting import comparison_notes, comparison_table
from tests.evaluation.volume_tables import draw_tables


@pytest.fixture(scope="module")
def comparison():
    return compare_volumes(*draw_tables(12))


def cells(text):
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in text.splitlines() if line[0] == "│"]


def test_comparison_table_has_a_row_per_quantity(printed, comparison):
    rows = cells(printed(comparison_table(comparison, width=160)))
    assert [row[0] for row in rows] == ["EDV, mL", "ESV, mL", "EF, %"]
    esv = comparison.esv_ml
    figures = [f"{value:.1f}" for value in (esv.bias, esv.mae, esv.rmse)]
    assert rows[1][1:] == ["12", *figures, f"{esv.correlation:.3f}", f"{esv.limits[0]:.1f} to {esv.limits[1]:.1f}"]


def test_comparison_table_of_nothing_known_says_so(printed, comparison):
    unknown = replace(comparison, edv_ml=None, ejection_fraction_percent=None)
    assert cells(printed(comparison_table(unknown, width=160)))[0] == ["EDV, mL", "0", "", "", "", "", ""]
    assert "EDV: no study" in printed(comparison_table(unknown, width=20))


def test_comparison_table_of_one_study_has_neither_correlation_nor_limits(printed):
    one = compare_volumes(*draw_tables(1))
    assert cells(printed(comparison_table(one, width=160)))[0][-2:] == ["", ""]
    assert "limits" not in printed(comparison_table(one, width=20))


def test_comparison_notes_count_studies_and_unknown_volumes(comparison):
    crps = replace(comparison.crps, unknown=2)
    notes = [*comparison_notes(replace(comparison, crps=crps, problems=("a problem",)))]
    assert notes[:2] == ["a problem", "12 studies compared: volumes.csv minus train.csv"]
    assert notes[2].startswith(f"CRPS {crps.mean:.4f} (EDV ")
    assert notes[3].startswith("2 of these volumes were not measured")


def test_comparison_notes_without_a_crps_have_the_reason():
    few = compare_volumes(*draw_tables(3))
    assert [*comparison_notes(few)][-1].startswith("CRPS unknown: the fit needs 5 known volumes")
