import json
import shutil

import numpy as np
import pydicom
import pytest

from keras_lvseg.data import SAXDataset, SunnybrookSAXDataset
from keras_lvseg.data.phantom import write_phantom
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import slice_normal


@pytest.fixture(scope="module")
def whole_study(tmp_path_factory):
    """One patient with every frame, and what is known of it."""
    folder = tmp_path_factory.mktemp("studies") / "tree"
    (truth,) = write_phantom(folder, patients=1, seed=3)
    return folder, truth


@pytest.fixture
def study(whole_study, tmp_path):
    return shutil.copytree(whole_study[0], tmp_path / "tree"), whole_study[1]


def patient(folder):
    (patient,) = SAXDataset(folder).patients
    return patient


def edit(path, **values):
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


def unlabelled(folder, truth):
    """Image files of frames without a contour."""
    labelled = {frame.path for frame in patient(folder).frames if frame.endocardium}
    return [frame.path for frame in patient(folder).frames if frame.path not in labelled]


def test_a_whole_study_is_slices_times_phases(study):
    folder, truth = study
    found = patient(folder)
    places = [(frame.slice, frame.phase) for frame in found.frames]
    assert places == [(s, p) for s in range(truth.slices) for p in range(truth.phases)]
    assert all(f.instance_number == truth.phases * f.slice + f.phase + 1 for f in found.frames)
    assert found.slice_spacing == pytest.approx(truth.slice_spacing, abs=0.01)
    assert (found.ed_phase, found.es_phase) == (truth.ed_phase, truth.es_phase)
    assert sorted({f.slice for f in found.frames if f.endocardium and f.phase == truth.ed_phase}) == [*truth.ed_slices]
    assert {f.phase for f in found.frames if f.epicardium} == {truth.ed_phase}


def test_slices_and_phases_hold_when_frames_are_missing(study):
    folder, _ = study
    whole = {frame.sop_instance_uid: (frame.slice, frame.phase) for frame in patient(folder).frames}
    for path in unlabelled(*study)[::2]:
        path.unlink()
    found = patient(folder).frames
    assert 0 < len(found) < len(whole)
    assert {f.sop_instance_uid: (f.slice, f.phase) for f in found}.items() <= whole.items()


def test_slice_location_is_never_asked(study):
    folder, truth = study
    for path in folder.glob("dicoms/*/*.dcm"):
        edit(path, SliceLocation=0)
    assert patient(folder).slice_spacing == pytest.approx(truth.slice_spacing, abs=0.01)


def test_a_contour_without_its_frame_is_named(study):
    folder, _ = study
    frame = next(frame for frame in patient(folder).frames if frame.endocardium)
    frame.path.unlink()
    with pytest.raises(DataError, match=f"outlines frame {frame.instance_number}") as caught:
        patient(folder)
    assert caught.value.path == str(frame.endocardium)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"SeriesInstanceUID": "1.2.3"}, "several series"),
        ({"InstanceNumber": 1}, "InstanceNumber 1 more than once"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, "is not parallel to"),
    ],
)
def test_what_is_no_single_stack_is_refused(study, values, message):
    folder, _ = study
    edit(unlabelled(*study)[-1], **values)
    with pytest.raises(DataError, match=message):
        patient(folder)


def test_uneven_slices_are_refused(study):
    folder, truth = study
    frame = patient(folder).frames[-1]
    moved = np.array(frame.position) + 0.4 * truth.slice_spacing * slice_normal(frame.orientation)
    edit(frame.path, ImagePositionPatient=[round(x, 3) for x in moved])
    with pytest.raises(DataError, match="not evenly spaced"):
        patient(folder)


def test_a_missing_trigger_time_in_an_incomplete_slice_is_named(study):
    folder, _ = study
    first, second = [path for path in unlabelled(*study) if path.parent.name][:2]
    first.unlink()
    dataset = pydicom.dcmread(second)
    del dataset.TriggerTime
    dataset.save_as(second)
    with pytest.raises(DataError, match="does not tell its phase"):
        patient(folder)


def test_an_unlabelled_study_has_no_ed(study):
    folder, _ = study
    shutil.rmtree(folder / "contourfiles")
    found = patient(folder)
    assert (found.ed_phase, found.es_phase) == (None, None)


def test_the_real_patients_are_as_their_readme_says(sunnybrook):
    found = {
        p.patient_id: (
            p.original_id,
            len(p.frames),
            p.ed_phase,
            p.es_phase,
            round(p.slice_spacing, 3),
            (min(slices := {f.slice for f in p.frames if f.endocardium}), max(slices)),
            {(f.phase, f.slice) for f in p.frames if f.endocardium} >= {(p.ed_phase, s) for s in slices},
        )
        for p in SunnybrookSAXDataset(sunnybrook).patients
    }
    assert found == {
        "SCD0000101": ("SC-HF-I-1", 240, 18, 7, 10, (2, 10), True),
        "SCD0000201": ("SC-HF-I-2", 18, 19, 6, 10, (2, 10), True),
        "SCD0000301": ("SC-HF-I-4", 20, 19, 6, 8, (0, 9), True),
    }


def test_phantom_json_and_dataset_agree(phantom_tree):
    truths = json.loads((phantom_tree / "phantom.json").read_text())["patients"]
    for truth, found in zip(truths, SAXDataset(phantom_tree).patients, strict=True):
        assert (found.patient_id, found.ed_phase, found.es_phase) == (
            truth["patient_id"],
            truth["ed_phase"],
            truth["es_phase"],
        )
