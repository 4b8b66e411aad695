"""Each test is a folder as scanners and archives make them, and what is left out of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.geometry import slice_extents
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.studies import study_volumes
from tests.small_tree import edit, write_stack


def studies(folder):
    inputs = find_inputs(folder)
    assert inputs.skipped == inputs.notes == ()
    return inputs.studies


def files_of(study):
    return {frame.path for frame in study.frames}


def reasons(study):
    """Return the reasons of a study, and check that each left-out file has exactly one."""
    paths = [skipped.path for skipped in study.skipped]
    assert len(paths) == len(set(paths))
    assert not set(paths) & files_of(study)
    return {skipped.reason for skipped in study.skipped}


@pytest.fixture(scope="module")
def examination(tmp_path_factory):
    """A stack, repeats, other views and single images of one examination; read-only."""
    folder = tmp_path_factory.mktemp("examination")
    write_stack(folder, places=(0, 8, 16, 24), series=1)
    write_stack(folder, places=(8, 16), series=2, time="110000")
    write_stack(folder, places=(0,), series=3, tilt=80)
    write_stack(folder, places=(0, 10, 20), series=4, phases=1, tilt=-60)
    write_stack(folder, places=(32,), series=5, tilt=10)
    return sorted(folder.iterdir())


@given(data=st.data())
def test_any_part_of_an_examination_is_read_and_each_image_counted_once(examination, tmp_path_factory, data):
    """A copy that was broken off, or files that were deleted: whatever is left has a place or a reason."""
    series = data.draw(st.sets(st.sampled_from("12345"), min_size=1))
    own = [path for path in examination if path.name[0] in series]
    chosen = data.draw(st.sets(st.sampled_from(own), min_size=1, max_size=12) | st.just(set(own)))
    part = tmp_path_factory.mktemp("part")
    for path in chosen:
        (part / path.name).hardlink_to(path)
    found = studies(part)
    images = [frame.path.name for study in found for frame in study.frames]
    images += [skipped.path.name for study in found for skipped in study.skipped]
    assert sorted(images) == sorted(path.name for path in chosen)
    for study in found:
        places = [(frame.slice, frame.phase) for frame in study.frames]
        assert places == sorted(set(places))
        study_volumes(study, [9] * len(places))


def test_stack_with_missing_slice_keeps_its_neighbours_and_is_flagged(tmp_path):
    write_stack(tmp_path, places=(0, 8, 24, 32))
    (study,) = studies(tmp_path)
    assert (study.slices, study.missing_slices, study.skipped) == ((0, 1, 3, 4), (2,), ())
    volumes = study_volumes(study, [100] * len(study.frames))
    assert [flag.code for flag in volumes.flags] == ["missing-slices"]
    assert volumes.edv_ml == pytest.approx(100 * 1.5**2 * (8 + 12 + 12 + 8) / 1000)


def test_stack_of_uneven_slices_is_kept_and_flagged(tmp_path):
    places = (0, 8, 19, 26)
    write_stack(tmp_path, places=places)
    (study,) = studies(tmp_path)
    assert study.slices == (0, 1, 2, 3)
    pixels = [10 * (frame.slice + 1) for frame in study.frames]
    volumes = study_volumes(study, pixels)
    expected = np.array([10, 20, 30, 40]) @ slice_extents(places) * 1.5**2 / 1000
    assert volumes.edv_ml == pytest.approx(expected, rel=1e-3)
    assert [flag.code for flag in volumes.flags] == ["uneven-slices"]


@pytest.mark.parametrize("shift", [0.0, 2.5])
def test_repeated_position_keeps_later_acquisition(tmp_path, shift):
    first = write_stack(tmp_path, places=(0, 8, 16, 24, 32), series=1)
    again = write_stack(tmp_path, places=(16 + shift,), series=2, time="101500")
    (study,) = studies(tmp_path)
    assert files_of(study) == {*first, *again} - {*first[8:12]}
    assert {skipped.path for skipped in study.skipped} == {*first[8:12]}
    assert reasons(study) == {"repeats a position that was acquired again later: 2-001.dcm and others"}
    assert study.slices == (0, 1, 2, 3, 4)


def test_repeated_position_of_one_series_keeps_later_acquisition(tmp_path):
    """As some scanners number it: the second cycle of a slice follows in the same series."""
    paths = write_stack(tmp_path, places=(0, 8, 8, 16))
    (study,) = studies(tmp_path)
    assert {skipped.path for skipped in study.skipped} == {*paths[4:8]}
    assert len(reasons(study)) == 1
    assert (study.slices, len(study.phases)) == ((0, 1, 2), 4)


def test_series_that_was_broken_off_is_a_repetition(tmp_path):
    broken = write_stack(tmp_path, places=(0, 8), series=1)
    whole = write_stack(tmp_path, places=(0, 8, 16, 24, 32), series=2, time="101500")
    (study,) = studies(tmp_path)
    assert files_of(study) == {*whole}
    assert {skipped.path for skipped in study.skipped} == {*broken}


def test_tilted_slice_is_left_out(tmp_path):
    straight = write_stack(tmp_path, places=(0, 8, 16, 32), series=1)
    tilted = write_stack(tmp_path, places=(24,), series=2, tilt=15)
    (study,) = studies(tmp_path)
    assert files_of(study) == {*straight}
    assert {skipped.path for skipped in study.skipped} == {*tilted}
    assert reasons(study) == {"is tilted by 15 degrees against the short-axis stack"}
    assert study.missing_slices == (3,)


def test_slice_tilted_by_breathing_is_kept(tmp_path):
    write_stack(tmp_path, places=(0, 8, 16, 32), series=1)
    write_stack(tmp_path, places=(24,), series=2, tilt=3)
    (study,) = studies(tmp_path)
    assert (study.slices, study.skipped) == ((0, 1, 2, 3, 4), ())


def test_long_axis_views_are_left_out(tmp_path):
    stack = write_stack(tmp_path / "sax", places=(0, 8, 16))
    views = write_stack(tmp_path / "2ch", places=(0,), series=2, tilt=80)
    views += write_stack(tmp_path / "4ch", places=(0,), series=3, tilt=-85)
    (study,) = studies(tmp_path)
    assert files_of(study) == {*stack}
    assert {skipped.path for skipped in study.skipped} == {*views}
    assert {reason.split(" (")[0] for reason in reasons(study)} == {"is not parallel to the short-axis stack"}
    assert all(reason.endswith("a long-axis view or a localiser") for reason in reasons(study))


def test_single_short_axis_slice_is_known_by_direction(tmp_path):
    """A few patients of the Data Science Bowl have one short-axis slice beside their long-axis views."""
    short = write_stack(tmp_path / "sax", places=(0,))
    write_stack(tmp_path / "2ch", places=(0,), series=2, tilt=80)
    write_stack(tmp_path / "4ch", places=(0,), series=3, tilt=-85)
    (study,) = studies(tmp_path)
    assert (files_of(study), len(study.skipped)) == ({*short}, 8)


def test_long_axis_stack_of_as_many_slices_is_left_out(tmp_path):
    stack = write_stack(tmp_path, places=(0, 8, 16))
    write_stack(tmp_path, places=(0, 8, 16), series=2, tilt=88)
    (study,) = studies(tmp_path)
    assert (files_of(study), len(study.skipped)) == ({*stack}, 12)


def test_localiser_of_single_images_is_left_out(tmp_path):
    stack = write_stack(tmp_path, places=(0, 8, 16))
    write_stack(tmp_path, places=range(0, 100, 10), series=2, phases=1, tilt=-30)
    (study,) = studies(tmp_path)
    assert (files_of(study), len(study.skipped)) == ({*stack}, 10)


def test_late_enhancement_and_perfusion_of_same_slices_are_left_out(tmp_path):
    stack = write_stack(tmp_path, places=(0, 8, 16, 24), phases=8)
    write_stack(tmp_path, places=(0, 8, 16, 24), series=2, phases=1, time="110000")
    write_stack(tmp_path, places=(8, 16), series=3, phases=40, time="120000")
    (study,) = studies(tmp_path)
    assert files_of(study) == {*stack}
    assert reasons(study) == {
        f"belongs to a series of {count} frames per slice; the short-axis stack has 8" for count in (1, 40)
    }


@pytest.mark.parametrize("across", [False, True])
def test_stray_slice_is_left_out(tmp_path, across):
    stack = write_stack(tmp_path, places=(0, 8, 16), series=1)
    stray = write_stack(tmp_path, places=(24 if across else 200,), series=2)
    if across:
        for path in stray:
            edit(path, ImagePositionPatient=[float(10), -20.0, 300.0])
    (study,) = studies(tmp_path)
    assert files_of(study) == {*stack}
    (reason,) = reasons(study)
    assert reason.startswith("lies ")
    assert reason.endswith(" mm from the rest of the short-axis stack")


def test_several_series_make_one_stack(tmp_path):
    """Siemens writes one series per slice, here in no order."""
    for series, place in enumerate((16, 0, 24, 8), 1):
        write_stack(tmp_path, places=(place,), series=series, time=f"10{series:02}00")
    (study,) = studies(tmp_path)
    assert (study.slices, len(study.phases), study.skipped) == ((0, 1, 2, 3), 4, ())
    heights = [frame.centre[0] for frame in study.frames if frame.phase == 0]
    assert heights == sorted(heights)  # from base to apex, which is to the left


def test_two_complete_stacks_are_two_studies(tmp_path):
    rest = write_stack(tmp_path, places=(0, 8, 16), series=1, time="100000")
    stress = write_stack(tmp_path, places=(1, 9, 17), series=2, time="103000")
    one, other = studies(tmp_path)
    assert [files_of(one), files_of(other)] == [{*rest}, {*stress}]
    assert (one.skipped, other.skipped) == ((), ())
    assert [one.name, other.name] == ["P1", "P1-2"]


def test_rest_and_follow_up_are_two_studies(tmp_path):
    by_uid = [write_stack(tmp_path / "a", study=study, patient="P1", name=study) for study in ("1.2.3", "1.2.4")]
    found = studies(tmp_path / "a")
    assert [files_of(study) for study in found] == [{*paths} for paths in by_uid]
    by_date = [
        write_stack(tmp_path / "b" / date, study=None, patient="P1", StudyDate=date, name=date)
        for date in ("20200101", "20210101")
    ]
    assert [files_of(study) for study in studies(tmp_path / "b")] == [{*paths} for paths in by_date]
    by_folder = [write_stack(tmp_path / "c" / name, study=None, patient="P1") for name in ("follow-up", "rest")]
    assert [files_of(study) for study in studies(tmp_path / "c")] == [{*paths} for paths in by_folder]


def test_blank_patients_never_merge_across_folders(tmp_path):
    write_stack(tmp_path / "a", places=(0, 8), patient="")
    write_stack(tmp_path / "b", places=(16, 24), patient=None, series=2)
    found = studies(tmp_path)
    assert [(study.name, study.patient_id, len(study.slices)) for study in found] == [("a", "", 2), ("b", "", 2)]


def test_blank_patients_of_one_folder_are_told_by_study(tmp_path):
    write_stack(tmp_path, study="1.2.3", patient="", name="a")
    write_stack(tmp_path, study="1.2.4", patient="", name="b")
    assert [len(study.frames) for study in studies(tmp_path)] == [16, 16]


def test_identical_patients_of_different_studies_stay_apart(tmp_path):
    """Archives that remove names write the same text everywhere."""
    for number in range(3):
        write_stack(tmp_path / f"case{number}", study=f"1.2.{number}", patient="ANONYMOUS")
    found = studies(tmp_path)
    assert [study.name for study in found] == ["ANONYMOUS", "ANONYMOUS-2", "ANONYMOUS-3"]
    assert [len({path.parent for path in files_of(study)}) for study in found] == [1, 1, 1]


def test_one_patient_in_several_folders_is_one_study(tmp_path):
    write_stack(tmp_path / "a", places=(0, 8), series=1)
    write_stack(tmp_path / "b" / "c", places=(16, 24), series=2)
    (study,) = studies(tmp_path)
    assert (study.slices, len(study.frames)) == ((0, 1, 2, 3), 16)


def test_slice_that_lacks_frames_has_phases_by_time(tmp_path):
    """As in the Data Science Bowl: some slices lack frames, and a third of the headers has no interval."""
    write_stack(tmp_path, places=(0,), phases=8, series=1, NominalInterval=0)
    paths = write_stack(tmp_path, places=(8,), phases=8, series=2, NominalInterval=0)
    write_stack(tmp_path, places=(16,), phases=8, series=3, NominalInterval=0)
    paths[3].unlink()
    (study,) = studies(tmp_path)
    assert [frame.phase for frame in study.frames if frame.slice == 1] == [0, 1, 2, 4, 5, 6, 7]
    volumes = study_volumes(study, [10 * (8 - frame.phase) for frame in study.frames])
    assert [flag.code for flag in volumes.flags] == ["missing-frames"]
    assert (volumes.ed.phase, volumes.es.phase) == (0, 7)


def test_frame_of_unknown_phase_is_left_out(tmp_path):
    write_stack(tmp_path, places=(0, 8), phases=8, series=1)
    paths = write_stack(tmp_path, places=(16,), phases=8, series=2, TriggerTime=None)
    paths[3].unlink()
    (study,) = studies(tmp_path)
    assert (len(study.skipped), len(study.slices)) == (7, 2)
    assert all(reason.startswith("is of unknown phase") for reason in reasons(study))


def test_pictures_of_two_shapes_are_one_stack(tmp_path):
    """The phase-encoding direction turns pictures by 90 degrees; the slices stay where they are."""
    write_stack(tmp_path, places=(0, 16), series=1, shape=(20, 16))
    write_stack(tmp_path, places=(8, 24), series=2, shape=(16, 30))
    (study,) = studies(tmp_path)
    assert (study.slices, study.skipped) == ((0, 1, 2, 3), ())
    assert {frame.shape for frame in study.frames} == {(20, 16), (16, 30)}
    assert study.frames[0].slice_spacing == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize(("phases", "problem"), [(1, "it has one phase"), (2, None)])
def test_one_or_two_phases(tmp_path, phases, problem):
    write_stack(tmp_path, phases=phases)
    (study,) = studies(tmp_path)
    volumes = study_volumes(study, [100 - 50 * frame.phase for frame in study.frames])
    assert len(volumes.phases) == phases
    assert volumes.phases[0].volume_ml == pytest.approx(4 * 100 * 1.5**2 * 8 / 1000, rel=1e-3)
    assert (volumes.problem or "").startswith(problem or "")
    assert volumes.ejection_fraction == (None if problem else pytest.approx(50))
