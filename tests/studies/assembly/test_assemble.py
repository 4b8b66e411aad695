import json
import shutil

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset, SunnybrookSAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import slice_normal
from tests.small_tree import edit, write_small_tree

SLICES, PHASES = 5, 6
ED, ES = 1, 4


@pytest.fixture
def study(tmp_path):
    """One patient with all frames, and contours in the inner slices at ED and ES."""

    def radius(slice_, phase):
        return {ED: 7, ES: 5}.get(phase) if 0 < slice_ < SLICES - 1 else None

    return write_small_tree(tmp_path / "tree", {"A": "a"}, slices=SLICES, phases=PHASES, radius=radius)


def patient(folder):
    (patient,) = SAXDataset(folder).patients
    return patient


def unlabelled(folder):
    """Return the files of frames without a contour."""
    return [frame.path for frame in patient(folder).frames if not frame.endocardium]


def test_assemble_whole_study_has_all_slices_and_phases(study):
    found = patient(study)
    places = [(frame.slice, frame.phase) for frame in found.frames]
    assert places == [(s, p) for s in range(SLICES) for p in range(PHASES)]
    assert all(f.instance_number == PHASES * f.slice + f.phase + 1 for f in found.frames)
    assert found.slice_spacing == pytest.approx(8, abs=0.01)
    assert (found.ed_phase, found.es_phase) == (ED, ES)
    assert sorted({f.slice for f in found.frames if f.endocardium and f.phase == ED}) == [1, 2, 3]


def test_assemble_with_missing_frames_keeps_slices_and_phases(study):
    whole = {frame.sop_instance_uid: (frame.slice, frame.phase) for frame in patient(study).frames}
    for path in unlabelled(study)[::2]:
        path.unlink()
    found = patient(study).frames
    assert 0 < len(found) < len(whole)
    assert {f.sop_instance_uid: (f.slice, f.phase) for f in found}.items() <= whole.items()


def test_assemble_wrong_slice_location_changes_nothing(study):
    for path in study.glob("dicoms/*/*.dcm"):
        edit(path, SliceLocation=0)
    assert patient(study).slice_spacing == pytest.approx(8, abs=0.01)


def test_assemble_contour_without_frame_raises(study):
    frame = next(frame for frame in patient(study).frames if frame.endocardium)
    frame.path.unlink()
    with pytest.raises(DataError, match=f"is the contour of frame {frame.instance_number}, which") as caught:
        patient(study)
    assert caught.value.path == str(frame.endocardium)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"InstanceNumber": 1}, "InstanceNumber 1 more than once"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, "is not parallel to"),
    ],
)
def test_assemble_several_stacks_raise(study, values, message):
    edit(unlabelled(study)[-1], **values)
    with pytest.raises(DataError, match=message):
        patient(study)


def test_assemble_frame_of_other_series_is_missing(study):
    stray = unlabelled(study)[-1]
    (place,) = ((frame.slice, frame.phase) for frame in patient(study).frames if frame.path == stray)
    edit(stray, SeriesInstanceUID="1.2.3")
    found = patient(study)
    assert stray not in {frame.path for frame in found.frames}
    assert found.missing_frames == (place,)


def test_assemble_uneven_slices_stand_for_the_way_to_their_neighbours(spindle_tree, tmp_path):
    folder = shutil.copytree(spindle_tree, tmp_path / "tree")
    whole = patient(folder)
    for frame in whole.frames:
        if frame.slice == 6:
            moved = np.array(frame.position) + 2 * slice_normal(frame.orientation)
            edit(frame.path, ImagePositionPatient=[round(x, 3) for x in moved])
    found = patient(folder)
    assert [(f.slice, f.phase) for f in found.frames] == [(f.slice, f.phase) for f in whole.frames]
    # Slice 5 is the last one with a contour and now stands for 7 or 5 mm.
    change = abs(found.edv_ml - whole.edv_ml) / (np.pi * (1.5 * spindle(5, 0)) ** 2 / 1000)
    assert change == pytest.approx(1, rel=0.01)


def test_assemble_incomplete_slice_without_trigger_time_raises(study):
    first, second = [path for path in unlabelled(study) if path.parent.name][:2]
    first.unlink()
    edit(second, "TriggerTime")
    with pytest.raises(DataError, match="is of unknown phase"):
        patient(study)


@pytest.mark.parametrize("values", [{"NominalInterval": -900}, {"NominalInterval": 0}, {"TriggerTime": -700}])
def test_assemble_incomplete_slice_with_invalid_times_raises(tmp_path, values):
    folder = write_small_tree(tmp_path, {"A": "a"}, slices=2, phases=6, radius=lambda s, p: None)
    (folder / "dicoms/A/3.dcm").unlink()
    edit(folder / "dicoms/A/5.dcm", **values)
    with pytest.raises(DataError, match="is of unknown phase") as caught:
        patient(folder)
    assert caught.value.path == str(folder / "dicoms/A/5.dcm")


def test_patient_without_contours_has_no_ed(study):
    shutil.rmtree(study / "contourfiles")
    found = patient(study)
    assert (found.ed_phase, found.es_phase) == (None, None)


def test_patients_of_real_sample_match_its_readme(sunnybrook):
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


def test_patients_of_phantoms_match_phantom_json(phantom_tree):
    truths = json.loads((phantom_tree / "phantom.json").read_text())["patients"]
    for truth, found in zip(truths, SAXDataset(phantom_tree).patients, strict=True):
        assert (found.patient_id, found.ed_phase, found.es_phase) == (
            truth["patient_id"],
            truth["ed_phase"],
            truth["es_phase"],
        )


def spindle(slice_, phase):
    """Return the radius in pixels of a cavity with contours in phase 0 (ED) and phase 9 (ES) only."""
    widest = {0: 20, 9: 14}.get(phase)
    return None if widest is None or slice_ in (0, 6) else widest - 2 * slice_


def write_spindle(folder, **header):
    return write_small_tree(
        folder, {"A": "a"}, slices=7, phases=11, shape=(192, 160), slice_spacing=6.0, radius=spindle, **header
    )


def spindle_ml(phase):
    return sum(np.pi * (1.5 * spindle(slice_, phase)) ** 2 * 6 / 1000 for slice_ in range(1, 6))


def test_patient_sparsely_contoured_phase_is_not_end_systole(tmp_path):
    # Five slices have contours in phases 0 and 9. In a third phase, two contours are too few and three are not.
    for slices, es_phase in ((2, 9), (3, 4)):
        folder = write_small_tree(
            tmp_path / str(slices),
            {"A": "a"},
            slices=7,
            phases=11,
            shape=(64, 64),
            radius=lambda s, p, slices=slices: 3 if p == 4 and 1 <= s <= slices else spindle(s, p),
        )
        found = patient(folder)
        assert (found.ed_phase, found.es_phase) == (0, es_phase)
    stray = write_small_tree(
        tmp_path / "no ES", {"A": "a"}, slices=3, radius=lambda s, p: 4 if p == 0 or (s, p) == (1, 1) else None
    )
    assert (patient(stray).ed_phase, patient(stray).es_phase, patient(stray).ejection_fraction) == (0, None, None)


@pytest.fixture(scope="module")
def spindle_tree(tmp_path_factory):
    return write_spindle(tmp_path_factory.mktemp("spindle") / "tree")


def test_patient_other_slices_phases_and_size_are_read(spindle_tree):
    found = patient(spindle_tree)
    assert [(f.slice, f.phase) for f in found.frames] == [(s, p) for s in range(7) for p in range(11)]
    assert {f.shape for f in found.frames} == {(192, 160)}
    assert (found.phases, found.slice_spacing, found.slice_gap) == (
        11,
        pytest.approx(6, abs=0.01),
        pytest.approx(0, abs=0.01),
    )
    assert (found.ed_phase, found.es_phase) == (0, 9)
    assert found.edv_ml == pytest.approx(spindle_ml(0), rel=0.003)
    assert found.esv_ml == pytest.approx(spindle_ml(9), rel=0.003)
    assert found.ejection_fraction == pytest.approx(100 * (1 - spindle_ml(9) / spindle_ml(0)), abs=0.1)
    assert (found.missing_frames, found.missing_slices) == ((), ())
    images, _ = SAXDataset(spindle_tree, image_size=(100, 120)).as_arrays("all")
    assert images.shape == (10, 100, 120, 1)


@pytest.mark.parametrize("stated", [None, 0, 8])
def test_patient_wrong_phase_count_in_header_uses_fullest_slice(tmp_path, stated):
    found = patient(write_spindle(tmp_path, CardiacNumberOfImages=stated))
    assert found.phases == 11
    assert [(f.slice, f.phase) for f in found.frames] == [(s, p) for s in range(7) for p in range(11)]


def test_patient_missing_frames_and_slices_are_listed(spindle_tree, tmp_path):
    folder = shutil.copytree(spindle_tree, tmp_path / "tree")
    gone = {(1, 3), (1, 10), (5, 1), *((3, phase) for phase in range(11)), *((0, phase) for phase in range(11))}
    for slice_, phase in gone:
        number = 11 * slice_ + phase + 1
        (folder / f"dicoms/A/{number}.dcm").unlink()
        (folder / f"contourfiles/a/i-contours/IM-0001-{number:04}-icontour-manual.txt").unlink(missing_ok=True)
    found = patient(folder)
    assert found.missing_frames == ((1, 3), (1, 10), (5, 1))
    assert found.missing_slices == (0, 3)
    assert {(f.slice, f.phase) for f in found.frames} == {(s, p) for s in range(7) for p in range(11)} - gone
    assert found.slice_spacing == pytest.approx(6, abs=0.01)


def test_patient_every_second_slice_missing_has_true_spacing(spindle_tree, tmp_path):
    folder = shutil.copytree(spindle_tree, tmp_path / "tree")
    for path in folder.glob("dicoms/A/*.dcm"):
        number = int(path.stem)
        if (number - 1) // 11 % 2:
            path.unlink()
            (folder / f"contourfiles/a/i-contours/IM-0001-{number:04}-icontour-manual.txt").unlink(missing_ok=True)
    found = patient(folder)
    assert found.slice_spacing == pytest.approx(6, abs=0.01)
    assert (sorted({f.slice for f in found.frames}), found.missing_slices) == ([0, 2, 4, 6], (1, 3, 5))


def test_patient_gap_between_slices_counts_in_volume(tmp_path):
    found = patient(write_spindle(tmp_path, SliceThickness=4.5, SpacingBetweenSlices=None))
    assert found.slice_gap == pytest.approx(1.5, abs=0.01)
    assert found.edv_ml == pytest.approx(spindle_ml(0), rel=0.003)


def test_patient_unrelated_instance_numbers_give_no_missing_slices(tmp_path):
    folder = write_small_tree(tmp_path, {"A": "a"}, slices=2, phases=3)
    for path in folder.glob("dicoms/A/*.dcm"):
        edit(path, InstanceNumber=int(path.stem) + 3000)
    shutil.rmtree(folder / "contourfiles")
    found = patient(folder)
    assert [(f.slice, f.phase) for f in found.frames] == [(s, p) for s in range(2) for p in range(3)]
    assert found.missing_slices == ()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"CardiacNumberOfImages": -3}, "invalid CardiacNumberOfImages; expected up to 1000 phases, got -3"),
        ({"CardiacNumberOfImages": 10**9}, "invalid CardiacNumberOfImages; .* got 1000000000"),
        ({"ImagePositionPatient": [1e7, -2e7, 5]}, "has too many slices of .* mm; expected up to 1,000"),
        (
            {"ImagePositionPatient": [10, -20, 5], "InstanceNumber": 99},
            "frames of one slice; expected CardiacNumberOfImages 6, got 7",
        ),
    ],
)
def test_assemble_huge_numbers_raise(tmp_path, values, message):
    folder = write_small_tree(tmp_path, {"A": "a"}, slices=2, phases=6, radius=lambda s, p: None)
    edit(folder / "dicoms/A/12.dcm", **values)
    with pytest.raises(DataError, match=message):
        patient(folder)


def test_assemble_slice_acquired_twice_raises(tmp_path):
    folder = write_small_tree(
        tmp_path, {"A": "a"}, slices=1, phases=6, radius=lambda s, p: None, CardiacNumberOfImages=3
    )
    with pytest.raises(DataError, match="too many frames of one slice; expected CardiacNumberOfImages 3, got 6 frames"):
        patient(folder)


def test_assemble_two_frames_of_one_slice_and_phase_raise(tmp_path):
    folder = write_small_tree(tmp_path, {"A": "a"}, slices=2, phases=6, radius=lambda s, p: None)
    (folder / "dicoms/A/3.dcm").unlink()
    edit(folder / "dicoms/A/4.dcm", TriggerTime=700)
    with pytest.raises(DataError, match="shows the same slice and phase as"):
        patient(folder)


def test_patients_of_real_sample_have_published_volumes(sunnybrook):
    found = {p.patient_id: (p.edv_ml, p.ejection_fraction) for p in SunnybrookSAXDataset(sunnybrook).patients}
    published = {"SCD0000101": (191, 26), "SCD0000201": (242, 26), "SCD0000301": (230, 22)}
    for name, (edv_ml, fraction) in published.items():
        assert found[name] == (pytest.approx(edv_ml, rel=0.02), pytest.approx(fraction, abs=1))


def test_patients_of_phantoms_have_true_volumes(phantom_tree):
    truths = json.loads((phantom_tree / "phantom.json").read_text())["patients"]
    for truth, found in zip(truths, SAXDataset(phantom_tree).patients, strict=True):
        assert found.edv_ml == pytest.approx(truth["slab_edv_ml"], rel=0.03)
        assert found.esv_ml == pytest.approx(truth["slab_esv_ml"], rel=0.03)
        assert found.phases == truth["phases"]


def test_patient_without_contours_has_no_volumes(tmp_path):
    found = patient(write_small_tree(tmp_path, {"A": "a"}, radius=lambda s, p: None))
    assert (found.edv_ml, found.esv_ml, found.ejection_fraction) == (None, None, None)
    one_phase = patient(write_small_tree(tmp_path / "ed", {"A": "a"}, radius=lambda s, p: 3 if p == 1 else None))
    assert one_phase.edv_ml == pytest.approx(2 * np.pi * 4.5**2 * 8 / 1000, rel=0.01)
    assert (one_phase.esv_ml, one_phase.ejection_fraction) == (None, None)
