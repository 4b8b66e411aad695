import csv

import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.studies import write_csv


def test_write_csv_frames_and_patients_have_one_row_each(phantom_tree, tmp_path):
    dataset = SAXDataset(phantom_tree)
    write_csv(dataset.frames, tmp_path / "frames.csv")
    write_csv(dataset.patients, tmp_path / "patients.csv")
    with (tmp_path / "frames.csv").open(newline="") as file:
        frames = list(csv.DictReader(file))
    assert len(frames) == len(dataset.frames)
    for row, frame in zip(frames, dataset.frames, strict=True):
        assert row["sop_instance_uid"] == frame.sop_instance_uid
        assert tuple(map(float, row["position"].split())) == frame.position
        assert row["epicardium"] == str(frame.epicardium or "")
    with (tmp_path / "patients.csv").open(newline="") as file:
        patients = list(csv.DictReader(file))
    assert [int(row["frames"]) for row in patients] == [len(patient.frames) for patient in dataset.patients]
    assert [row["patient_id"] for row in patients] == [patient.patient_id for patient in dataset.patients]


def test_write_csv_without_records_raises(tmp_path):
    with pytest.raises(ValueError, match="argument `records`"):
        write_csv((), tmp_path / "frames.csv")
