"""One study in all layouts: classic, the Data Science Bowl's, enhanced, NIfTI by a program that we did not write."""

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.inference.trained_network import TrainedNetwork
from keras_lvseg.io.nifti import write_nifti_stack
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies import read_image, study_volumes
from tests.relaid_studies import read_study, write_bowl, write_enhanced, write_nifti, write_plain_multi_frame
from tests.small_tree import edit, write_stack

PHASES = 20
LAYOUTS = ("classic", "bowl", "enhanced slices", "enhanced study", "nifti")
PATIENTS = ("PHANTOM0001", "SCD0000101", "SCD0000201", "SCD0000301")


def crop(path):
    """Leave the middle 64 x 60 pixels, which are enough to compare layouts."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array[96:160, 98:158]
    edit(path, Rows=64, Columns=60, PixelData=pixels.tobytes())


@pytest.fixture(scope="module")
def dicoms(request, tmp_path_factory):
    """Return the folder of a patient's whole study."""
    phantom = tmp_path_factory.mktemp("whole") / "tree"

    def folder(patient: str) -> Path:
        if patient.startswith("PHANTOM"):
            if not phantom.exists():
                write_phantom(phantom, patients=1, seed=11)
                for path in phantom.glob("dicoms/*/*.dcm"):
                    crop(path)
            return phantom / "dicoms" / patient
        # The sample has the whole study of the first patient only.
        tree = request.getfixturevalue("sunnybrook" if patient == "SCD0000101" else "sunnybrook_studies")
        return tree / "dicoms" / patient

    return folder


@pytest.fixture(scope="module")
def relaid(dicoms, tmp_path_factory):
    """Return the only study of a patient in a layout; made once."""
    known = {}

    def study(patient: str, layout: str):
        if (patient, layout) not in known:
            source, target = dicoms(patient), tmp_path_factory.mktemp("relaid") / "study"
            paths = sorted(source.glob("*.dcm"))
            if layout == "classic":
                shutil.copytree(source, target)
            elif layout == "bowl":
                write_bowl(read_study(paths, PHASES), target)
            elif layout == "nifti":
                write_nifti(source, target)
            else:
                write_enhanced(read_study(paths, PHASES), target, per_slice=layout == "enhanced slices")
            inputs = find_inputs(target)
            assert inputs.notes == inputs.skipped == ()
            (known[patient, layout],) = inputs.studies
        return known[patient, layout]

    return study


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize("patient", PATIENTS)
def test_study_in_any_layout_has_same_pixels_places_and_volumes(relaid, patient, layout):
    classic, study = relaid(patient, "classic"), relaid(patient, layout)
    assert (study.geometry_error, study.skipped) == (None, ())
    assert study.name == ("sax" if layout == "nifti" else patient)
    assert [(f.slice, f.phase) for f in study.frames] == [(f.slice, f.phase) for f in classic.frames]
    pixels, expected = [], []
    for frame, same in zip(study.frames, classic.frames, strict=True):
        image = read_image(frame)
        np.testing.assert_array_equal(image, read_image(same))
        np.testing.assert_allclose(frame.pixel_spacing, same.pixel_spacing, rtol=1e-5)
        np.testing.assert_allclose(frame.centre, same.centre, atol=0.05)
        np.testing.assert_allclose(frame.orientation, same.orientation, atol=1e-4)
        assert frame.slice_spacing == pytest.approx(same.slice_spacing, rel=1e-3)
        pixels.append(int(np.count_nonzero(image > np.percentile(image, 90))))
        expected.append(pixels[-1] + 0)
    found, same = study_volumes(study, pixels), study_volumes(classic, expected)
    assert (found.ed.phase, found.es.phase, found.flags) == (same.ed.phase, same.es.phase, ())
    assert found.edv_ml == pytest.approx(same.edv_ml, rel=1e-3)
    assert found.ejection_fraction == pytest.approx(same.ejection_fraction, rel=1e-3)


@pytest.mark.slow
def test_affine_of_study_is_that_of_another_program(relaid, tmp_path):
    study, path = relaid("PHANTOM0001", "classic"), relaid("PHANTOM0001", "nifti").frames[0].path
    written = nibabel.load(path)
    columns, rows, slices, phases = written.shape
    assert (columns, rows, slices, phases) == (*study.frames[0].shape[::-1], len(study.slices), len(study.phases))
    for voxel in np.random.default_rng(0).integers(0, (columns, rows, slices), (20, 3)):
        place = study.affine() @ [*voxel, 1]
        own = np.linalg.solve(written.affine, place)[:3]
        np.testing.assert_allclose(own, np.rint(own), atol=0.02)
        frame = next(f for f in study.frames if f.slice == study.slices[0] + voxel[2] and f.phase == 3)
        x, y, slice_ = np.rint(own).astype(int)
        assert written.dataobj[x, y, slice_, 3] == read_image(frame)[voxel[1], voxel[0]]


@pytest.fixture(scope="module")
def segmented(relaid):
    """Return the masks and volumes of a study by the bundled network; made once for equal pixels and spacing."""
    network, masks, known = TrainedNetwork.bundled(), {}, {}

    def mask_of(frame):
        image = read_image(frame)
        key = image.tobytes(), frame.pixel_spacing
        if key not in masks:
            (masks[key],) = network.masks([image], [frame.pixel_spacing])
        return masks[key]

    def result(patient: str, layout: str):
        if (patient, layout) not in known:
            study = relaid(patient, layout)
            found = np.stack([mask_of(frame) for frame in study.frames]) > 0
            known[patient, layout] = found, study_volumes(study, np.count_nonzero(found, axis=(1, 2)).tolist())
        return known[patient, layout]

    return result


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize("patient", PATIENTS[1:])
def test_real_study_in_any_layout_has_same_masks_and_volumes(segmented, patient, layout):
    (masks, volumes), (found, own) = segmented(patient, "classic"), segmented(patient, layout)
    exact = layout != "nifti"
    if exact:
        np.testing.assert_array_equal(found, masks)
    dice = 2 * np.count_nonzero(found & masks) / (np.count_nonzero(found) + np.count_nonzero(masks))
    assert dice >= 0.995
    for name in ("edv_ml", "esv_ml", "ejection_fraction"):
        assert getattr(own, name) == pytest.approx(getattr(volumes, name), rel=0.001 if exact else 0.005)


@pytest.mark.slow
def test_bowl_tree_with_other_views_and_a_repeated_slice(dicoms, tmp_path):
    slices = read_study(sorted(dicoms("PHANTOM0001").glob("*.dcm")), PHASES)
    tree = write_bowl(slices, tmp_path / "train")
    folder = tree / "PHANTOM0001" / "study"
    sax = sorted(folder.glob("sax_*"))
    again = shutil.copytree(sax[2], folder / "sax_200")
    for path in again.iterdir():
        edit(path, SeriesNumber=200, SeriesTime="130000", AcquisitionTime="130000")
    for name, number in (("2ch_201", 201), ("4ch_202", 202)):
        for path in shutil.copytree(sax[0], folder / name).iterdir():
            row, column = np.reshape(pydicom.dcmread(path).ImageOrientationPatient, (2, 3)).astype(float)
            kept = row if number == 201 else column
            across = [round(float(value), 6) for value in (*kept, *np.cross(row, column))]
            edit(path, SeriesNumber=number, ImageOrientationPatient=across)
    (study,) = find_inputs(tree).studies
    assert (study.name, len(study.slices), len(study.phases)) == ("PHANTOM0001", len(slices), PHASES)
    left_out = {}
    for skipped in study.skipped:
        left_out.setdefault(skipped.path.parent.name, set()).add(skipped.reason.split(":")[0].split(" (")[0])
    assert left_out == {
        sax[2].name: {"repeats a position that was acquired again later"},
        "2ch_201": {"is not parallel to the short-axis stack"},
        "4ch_202": {"is not parallel to the short-axis stack"},
    }


@pytest.mark.slow
def test_plain_multi_frame_has_images_and_no_places(dicoms, tmp_path):
    datasets = read_study(sorted(dicoms("PHANTOM0001").glob("*.dcm"))[:40], PHASES)
    first = next(own for own in datasets.values() if len(own) > 1)
    images = [dataset.pixel_array for dataset in first]
    write_plain_multi_frame(first, tmp_path / "cine.dcm")
    (study,) = find_inputs(tmp_path).studies
    assert study.geometry_error == "cine.dcm: holds several frames without a position of each"
    assert [frame.record for frame in study.frames] == [*range(1, len(images) + 1)]
    for frame, image in zip(study.frames, images, strict=True):
        np.testing.assert_array_equal(read_image(frame), image)
    volumes = study_volumes(study, [9] * len(images))
    assert (volumes.phases, [flag.code for flag in volumes.flags]) == ((), ["geometry-unknown"])


def write_volume(path, shape=(24, 20, 4), seed=0):
    affine = np.diag([-1.5, -1.5, 8.0, 1.0])
    write_nifti_stack(path, np.random.default_rng(seed).integers(0, 255, shape), affine)
    return path


def test_nifti_files_of_one_phase_each_are_one_study(tmp_path):
    for number in (1, 12):
        write_volume(tmp_path / f"patient001_frame{number:02}.nii.gz", seed=number)
        write_volume(tmp_path / f"patient001_frame{number:02}_gt.nii.gz")
    write_volume(tmp_path / "patient001_4d.nii.gz", (24, 20, 4, 30))
    write_volume(tmp_path / "patient002_frame01.nii.gz")
    inputs = find_inputs(tmp_path)
    found = [(study.name, study.patient_id, len(study.slices), study.phases) for study in inputs.studies]
    assert sorted(found) == [
        ("patient001", "patient001", 4, (0, 11)),
        ("patient001_4d", "", 4, tuple(range(30))),
        ("patient002", "patient002", 4, (0,)),
    ]
    assert {file.path.name: file.reason for file in inputs.skipped} == {
        f"patient001_frame{number:02}_gt.nii.gz": "is a label, because its name ends in _gt" for number in (1, 12)
    }
    study = next(study for study in inputs.studies if study.name == "patient001")
    volumes = study_volumes(study, [50 if frame.phase == 0 else 20 for frame in study.frames])
    assert (volumes.ed.phase, volumes.es.phase) == (0, 11)
    assert volumes.edv_ml == pytest.approx(4 * 50 * 1.5**2 * 8 / 1000)


def test_nifti_phases_of_other_grid_are_studies_of_their_own(tmp_path):
    write_volume(tmp_path / "p_frame01.nii", (24, 20, 4))
    write_volume(tmp_path / "p_frame02.nii", (24, 20, 5))
    assert sorted(study.name for study in find_inputs(tmp_path).studies) == ["p", "p_frame02"]


def test_nifti_file_alone_is_study_of_its_name(tmp_path):
    (study,) = find_inputs(write_volume(tmp_path / "heart.v2.nii.gz")).studies
    assert (study.name, len(study.frames)) == ("heart.v2", 4)


def test_damaged_nifti_is_skipped_alone(tmp_path):
    whole = write_volume(tmp_path / "a.nii.gz")
    (tmp_path / "b.nii.gz").write_bytes(whole.read_bytes()[:900])
    (tmp_path / "c.nii").write_bytes(b"no image")
    nibabel.Nifti1Image(np.zeros((9, 9, 4, 3, 2), np.float32), np.eye(4)).to_filename(tmp_path / "d.nii")
    inputs = find_inputs(tmp_path)
    assert [study.name for study in inputs.studies] == ["a"]
    reasons = {file.path.name: file.reason for file in inputs.skipped}
    assert reasons.keys() == {"b.nii.gz", "c.nii", "d.nii"}
    assert reasons["b.nii.gz"].startswith("is damaged")
    assert reasons["c.nii"].startswith("is damaged")
    assert reasons["d.nii"] == "has other dimensions; expected x, y, slice and phase, got 9 x 9 x 4 x 3 x 2"


@pytest.mark.slow
def test_file_left_out_as_a_whole_is_named_once(dicoms, tmp_path):
    """A multi-frame file of another view is one line, not one per frame."""
    slices = read_study(sorted(dicoms("PHANTOM0001").glob("*.dcm")), PHASES)
    for dataset in slices[0]:
        dataset.ImageOrientationPatient = [0, 0, 1, 0.7071068, 0.7071068, 0]
    write_enhanced(slices, tmp_path / "study", per_slice=True)
    (study,) = find_inputs(tmp_path / "study").studies
    assert len(study.frames) == PHASES * (len(slices) - 1)
    (skipped,) = study.skipped
    assert (skipped.path.name, skipped.record) == ("1.dcm", None)


def test_files_without_image_are_called_so(tmp_path):
    (path, *_) = write_stack(tmp_path)
    edit(path, "PixelData", "Rows", "Columns", SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    (skipped,) = find_inputs(tmp_path).skipped
    assert (skipped.path, skipped.reason) == (path, "holds no image")


def test_zero_pixel_spacing_is_like_a_missing_one(tmp_path):
    (path, *_) = write_stack(tmp_path, places=(0,), phases=1)
    edit(path, PixelSpacing=[0, 0])
    (study,) = find_inputs(tmp_path, pixel_spacing=1.4).studies
    assert study.geometry_error == f"{path.name}: has no PixelSpacing"
    assert study.frames[0].pixel_spacing == (1.4, 1.4)
