import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from keras_lvseg import DataError
from keras_lvseg.evaluation import compare_volumes, volume_agreement, volume_crps
from keras_lvseg.io import VolumeRow, VolumeTable
from tests.evaluation.volume_tables import draw_tables


def test_comparison_has_the_agreement_of_both_volumes_and_of_the_ejection_fraction():
    measured = VolumeTable(Path("volumes.csv"), (VolumeRow("1", "1", 100, 40), VolumeRow("2", "2", 200, 150)))
    true = VolumeTable(Path("train.csv"), (VolumeRow("2", "2", 180, 90), VolumeRow("1", "1", 110, 55)))
    comparison = compare_volumes(measured, true)
    assert comparison.edv_ml == volume_agreement([100, 200], [110, 180])
    assert comparison.esv_ml == volume_agreement([40, 150], [55, 90])
    assert comparison.ejection_fraction_percent == volume_agreement([60, 25], [50, 50])
    assert comparison.crps is None
    assert "5 known volumes" in comparison.crps_missing_reason


def test_studies_of_one_table_are_named_and_left_out():
    measured, true = draw_tables(8)
    comparison = compare_volumes(replace(measured, rows=measured.rows[1:]), replace(true, rows=true.rows[:-1]))
    assert [study.study for study in comparison.studies] == ["2", "3", "4", "5", "6", "7"]
    assert comparison.problems == (
        "volumes.csv: study '8' is not in train.csv",
        "train.csv: study '1' is not in volumes.csv",
    )


def test_problems_of_both_tables_are_kept():
    measured, true = draw_tables(3)
    comparison = compare_volumes(replace(measured, problems=("a",)), replace(true, problems=("b",)))
    assert comparison.problems == ("a", "b")


def test_unknown_volumes_are_left_out_of_the_agreement_and_count_in_the_crps():
    measured, true = draw_tables(30)
    rows = [*measured.rows]
    rows[0] = replace(rows[0], esv_ml=None)
    rows[1] = replace(rows[1], edv_ml=None, esv_ml=None)
    known = [*true.rows]
    known[2] = replace(known[2], edv_ml=None)
    comparison = compare_volumes(replace(measured, rows=tuple(rows)), replace(true, rows=tuple(known)))
    counts = [comparison.edv_ml.count, comparison.esv_ml.count, comparison.ejection_fraction_percent.count]
    assert counts == [28, 28, 27]
    assert (comparison.crps.volumes, comparison.crps.unknown, comparison.crps.folds) == (59, 3, 10)
    whole = compare_volumes(measured, true)
    assert comparison.crps.mean > whole.crps.mean


def test_crps_in_folds_is_near_that_of_new_patients_and_better_than_uncalibrated():
    comparison = compare_volumes(*draw_tables(200))
    new = compare_volumes(*draw_tables(200, first=1001), calibrations=comparison.fit_calibrations())
    assert new.crps.folds is None
    assert comparison.crps.mean == pytest.approx(new.crps.mean, rel=0.1)
    # The scatter is 8 mL over a factor of 0.9: the CRPS of a normal distribution with that spread.
    assert comparison.crps.mean == pytest.approx(8 / 0.9 / np.sqrt(np.pi) / 600, rel=0.1)
    measured, true = comparison.pairs("edv_ml")
    certain = (np.arange(600) >= measured[:, None]).astype(float)
    assert volume_crps(certain, true).mean() > 1.5 * comparison.crps.edv


def test_crps_is_the_mean_over_all_volumes():
    crps = compare_volumes(*draw_tables(20)).crps
    assert crps.mean == pytest.approx((crps.edv + crps.esv) / 2)


def test_calibrations_fitted_on_a_compared_patient_raise():
    measured, true = draw_tables(12)
    calibrations = compare_volumes(measured, true).fit_calibrations()
    assert calibrations.patients == tuple(row.patient for row in true.rows)
    later = replace(measured, rows=measured.rows[-1:])
    with pytest.raises(DataError, match=r"volumes\.csv: cannot be scored .* expected other patients, got 1 .*'12'"):
        compare_volumes(later, true, calibrations=calibrations)


def test_fit_of_four_studies_raises():
    with pytest.raises(DataError, match=r"volumes\.csv: has too few volumes for a fit; expected 5 .* got 4"):
        compare_volumes(*draw_tables(4)).fit_calibrations()


def test_tables_without_a_common_study_raise():
    measured, _ = draw_tables(3)
    _, true = draw_tables(3, first=10)
    with pytest.raises(DataError, match=r"has no study of train\.csv.*'1' and '10'.*--key"):
        compare_volumes(measured, true)


def test_study_of_zero_volume_has_no_ejection_fraction():
    measured = VolumeTable(Path("volumes.csv"), (VolumeRow("1", "1", 0.0, 0.0),))
    true = VolumeTable(Path("train.csv"), (VolumeRow("1", "1", 110.0, 55.0),))
    comparison = compare_volumes(measured, true)
    assert comparison.ejection_fraction_percent is None
    assert comparison.edv_ml.bias == -110


def test_as_dict_is_json_with_the_number_of_studies():
    comparison = compare_volumes(*draw_tables(12))
    values = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    assert values["studies"] == 12
    assert values["edv_ml"]["bias"] == comparison.edv_ml.bias
    assert values["crps"]["mean"] == comparison.crps.mean
