from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.io.dicom_seg import SegmentedFrame, write_dicom_seg
from keras_lvseg.phantom import write_phantom
from tests.dciodvfy import dicom_errors
from tests.small_tree import edit, images_of, write_small_tree


def segmented(study, seed=0):
    """Return the frames of a study with random labels. Every fifth is empty, and so is phase 1."""
    rng = np.random.default_rng(seed)
    return [
        SegmentedFrame(
            path=frame.path,
            record=frame.record,
            slice=frame.slice,
            phase=frame.phase,
            labels=rng.integers(0, 3, frame.shape, np.uint8) * (number % 5 != 4 and frame.phase != 1),
            pixel_spacing=frame.pixel_spacing,
            position=frame.position,
            orientation=frame.orientation,
            slice_thickness=frame.slice_thickness,
        )
        for number, frame in enumerate(study.frames)
    ]


def one_study(root):
    (study,) = find_inputs(root).studies
    return study


def check(folder, frames, names):
    """Compare every file with the labels, as highdicom reads it."""
    phases = {frame.phase for frame in frames if frame.labels.any()}
    assert names == {phase: f"phase_{phase:02d}.dcm" for phase in sorted(phases)}
    assert sorted(path.name for path in folder.iterdir()) == sorted(names.values())
    for phase, name in names.items():
        own = [frame for frame in frames if frame.phase == phase]
        read = highdicom.seg.segread(folder / name)
        if own[0].record is None:
            uids = [pydicom.dcmread(frame.path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID for frame in own]
            got = read.get_pixels_by_source_instance(uids, combine_segments=True, assert_missing_frames_are_empty=True)
        else:
            got = read.get_pixels_by_source_frame(
                pydicom.dcmread(own[0].path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID,
                [frame.record for frame in own],
                combine_segments=True,
                assert_missing_frames_are_empty=True,
            )
        np.testing.assert_array_equal(got, np.stack([frame.labels for frame in own]))
        for item in read.PerFrameFunctionalGroupsSequence:
            (reference,) = item.DerivationImageSequence[0].SourceImageSequence
            (source,) = (
                frame
                for frame in own
                if frame.record == reference.get("ReferencedFrameNumber")
                and pydicom.dcmread(frame.path).SOPInstanceUID == reference.ReferencedSOPInstanceUID
            )
            position = item.PlanePositionSequence[0].ImagePositionPatient
            np.testing.assert_allclose(position, source.position, atol=1e-5)
            orientation = item.PlaneOrientationSequence[0].ImageOrientationPatient
            np.testing.assert_allclose(orientation, source.orientation, atol=1e-6)


@pytest.fixture(scope="module")
def heart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder / "tree", patients=1, frames="contoured")
    return folder / "tree" / "dicoms"


def test_write_dicom_seg_read_by_highdicom_equals_the_labels(heart, tmp_path):
    frames = segmented(one_study(heart))
    names = write_dicom_seg(tmp_path / "seg", frames)
    check(tmp_path / "seg", frames, names)
    for name in names.values():
        assert dicom_errors(tmp_path / "seg" / name) == []
        dataset = pydicom.dcmread(tmp_path / "seg" / name)
        source = pydicom.dcmread(frames[0].path)
        for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID", "StudyDate"):
            assert dataset[keyword].value == source[keyword].value
        assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
        codes = [item.SegmentedPropertyTypeCodeSequence[0] for item in dataset.SegmentSequence]
        assert [(code.CodingSchemeDesignator, code.CodeValue) for code in codes] == [
            ("SCT", "87878005"),
            ("SCT", "49848007"),
        ]


def test_write_dicom_seg_same_labels_give_the_same_bytes(heart, tmp_path):
    frames = segmented(one_study(heart))
    for folder in ("a", "b"):
        names = write_dicom_seg(tmp_path / folder, frames)
    other = write_dicom_seg(tmp_path / "c", segmented(one_study(heart), seed=1))
    for name in names.values():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    uids = {
        pydicom.dcmread(tmp_path / folder / name).SOPInstanceUID
        for folder, own in (("a", names), ("c", other))
        for name in own.values()
    }
    assert len(uids) == len(names) + len(other)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_write_dicom_seg_of_real_patients_has_only_errors_of_their_uids(sunnybrook, tmp_path):
    for study in find_inputs(sunnybrook).studies:
        folder = tmp_path / study.name
        frames = segmented(study)
        names = write_dicom_seg(folder, frames)
        check(folder, frames, names)
        for name in names.values():
            other = [error for error in dicom_errors(folder / name) if " UI " not in error]
            # The summary line that follows from the invalid UIDs.
            assert set(other) <= {"Error - Dicom dataset contains invalid data values for Value Representations"}


def test_write_dicom_seg_of_several_series_and_frames_of_reference(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=3, phases=2)
    for number, path in enumerate(images_of(tree, "P1")):
        own = f"1.2.9.{number // 2}"
        edit(path, SeriesInstanceUID=f"{own}.1", FrameOfReferenceUID=f"{own}.2")
    frames = segmented(one_study(tree))
    names = write_dicom_seg(tmp_path / "seg", frames)
    check(tmp_path / "seg", frames, names)
    dataset = pydicom.dcmread(tmp_path / "seg" / names[0])
    assert not dataset.FrameOfReferenceUID.startswith("1.2.9")
    assert [item.SeriesInstanceUID for item in dataset.ReferencedSeriesSequence] == [f"1.2.9.{n}.1" for n in range(3)]


def test_write_dicom_seg_of_slightly_tilted_slices_keeps_each_orientation(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=1)
    frames = segmented(one_study(tree))
    angle = np.deg2rad(1)
    across, down = (0.6, 0.8, 0.0), (0.8 * np.sin(angle), -0.6 * np.sin(angle), -np.cos(angle))
    frames = [frames[0], replace(frames[1], orientation=(*across, *down))]
    check(tmp_path / "seg", frames, write_dicom_seg(tmp_path / "seg", frames))


def test_write_dicom_seg_of_multi_frame_files_refers_to_frames(heart, tmp_path):
    legacy = pytest.importorskip("highdicom.legacy")
    datasets = [pydicom.dcmread(path) for path in sorted(heart.rglob("*.dcm"))]
    for dataset in datasets:
        dataset.StudyID, dataset.PatientName = "1", "Phantom^One"
    multi = legacy.LegacyConvertedEnhancedMRImage(
        datasets, pydicom.uid.generate_uid(), 2, pydicom.uid.generate_uid(), 1
    )
    (tmp_path / "in").mkdir()
    multi.save_as(tmp_path / "in" / "multi.dcm")
    study = one_study(tmp_path / "in")
    assert all(frame.record for frame in study.frames)
    frames = segmented(study)
    names = write_dicom_seg(tmp_path / "seg", frames)
    check(tmp_path / "seg", frames, names)
    for name in names.values():
        assert dicom_errors(tmp_path / "seg" / name) == []


@pytest.mark.parametrize("missing", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_write_dicom_seg_without_uids_is_one_line(tmp_path, missing):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=1)
    frames = segmented(one_study(tree))
    edit(frames[1].path, missing)
    with pytest.raises(DataError, match=f"has no {missing}") as caught:
        write_dicom_seg(tmp_path / "seg", frames)
    assert caught.value.path == str(frames[1].path)
    assert not (tmp_path / "seg").exists()


def test_write_dicom_seg_of_images_that_differ_in_size_is_one_line(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=1)
    first, second = segmented(one_study(tree))
    with pytest.raises(DataError, match=r"differs from 1\.dcm in size or pixel spacing"):
        write_dicom_seg(tmp_path / "seg", [first, replace(second, labels=second.labels[:-1])])


@pytest.mark.parametrize(
    "header", [{"PatientBirthDate": "00000000"}, {"PatientName": "Ånström^Bo", "SpecificCharacterSet": "ISO_IR 100"}]
)
def test_write_dicom_seg_takes_odd_headers(tmp_path, header):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, slices=2, phases=1)
    frames = segmented(one_study(tree))
    with pydicom.config.disable_value_validation():
        for frame in frames:
            edit(frame.path, **header)
    names = write_dicom_seg(tmp_path / "seg", frames)
    dataset = pydicom.dcmread(tmp_path / "seg" / names[0])
    assert dataset.PatientBirthDate == ""
    assert str(dataset.PatientName) == header.get("PatientName", "")
    assert dicom_errors(tmp_path / "seg" / names[0]) == []
