import json
import math

import numpy as np
import pytest

from keras_lvseg import DataError
from keras_lvseg.evaluation import VolumeCalibration, VolumeCalibrations, read_volume_calibrations
from keras_lvseg.io import VolumeRow

EDV = VolumeCalibration(1.0, 1.1, 4.0, 0.05, unknown_mean_ml=160.0, unknown_sd_ml=50.0)
ESV = VolumeCalibration(-3.0, 0.9, 6.0, 0.0, unknown_mean_ml=80.0, unknown_sd_ml=40.0)
BOTH = VolumeCalibrations(("1", "Ä 2"), edv=EDV, esv=ESV)


def test_written_calibrations_are_read_as_they_were(tmp_path):
    BOTH.write(tmp_path / "TRAIN.json")
    assert read_volume_calibrations(tmp_path / "TRAIN.json") == BOTH


def test_distributions_have_both_volumes_by_study_and_those_of_the_fit_for_unknown_ones():
    edv, esv = BOTH.distributions([VolumeRow("7", "7", 150.0, 70.0), VolumeRow("8", "8", None, 70.0)])
    assert [*edv] == [*esv] == ["7", "8"]
    np.testing.assert_array_equal([edv["7"], edv["8"]], EDV.distributions([150.0, math.nan]))
    np.testing.assert_array_equal([esv["7"], esv["8"]], ESV.distributions([70.0, 70.0]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: values.update(format="2"), ["is no volume calibration", "compare-volumes --fit"]),
        (lambda values: values.update(patients="1"), ["has no valid patients"]),
        (lambda values: values.pop("esv"), ["has no valid esv"]),
        (lambda values: values["edv"].pop("factor"), ["has no valid edv", "offset_ml"]),
        (lambda values: values["edv"].update(factor=-1), ["has no valid edv.factor", "0 or more", "got -1"]),
        (lambda values: values["edv"].update(factor="1"), ["has no valid edv.factor", "got '1'"]),
        (lambda values: values["esv"].update(sd_offset_ml=0), ["has no valid esv.sd_offset_ml", "got 0"]),
        (lambda values: values["esv"].update(offset_ml=math.nan), ["has no valid esv.offset_ml", "got nan"]),
    ],
)
def test_changed_file_raises_one_line(tmp_path, change, words):
    path = tmp_path / "TRAIN.json"
    BOTH.write(path)
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(DataError) as error:
        read_volume_calibrations(path)
    for word in ("TRAIN.json", *words):
        assert word in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_file_of_another_kind_raises(tmp_path, text):
    (tmp_path / "TRAIN.json").write_text(text)
    with pytest.raises(DataError, match=r"TRAIN\.json: is n"):
        read_volume_calibrations(tmp_path / "TRAIN.json")
