import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy import ndimage
from skimage.draw import polygon2mask

from keras_lvseg import phantom
from keras_lvseg.errors import DataError
from keras_lvseg.io.contour_file import CONTOUR_ORIGIN, read_contour
from keras_lvseg.phantom import PhantomTruth, write_phantom

PATIENTS = 5  # one more than kinds of heart


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> tuple[Path, tuple[PhantomTruth, ...]]:
    root = tmp_path_factory.mktemp("phantom") / "cohort"
    return root, write_phantom(root, patients=PATIENTS, seed=3, frames="contoured")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, PhantomTruth]:
    root = tmp_path_factory.mktemp("phantom") / "whole"
    return root, write_phantom(root, patients=1, seed=3)[0]


REQUIRED = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "ImageType",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "EchoTrainLength",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "TriggerTime",
    "NominalInterval",
    "HeartRate",
    "CardiacNumberOfImages",
    "InstanceNumber",
    "SeriesNumber",
    "SliceLocation",
    "PatientID",
    "PatientName",
    "Manufacturer",
    "PatientPosition",
]
MAY_BE_EMPTY = [
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "StudyDate",
    "StudyTime",
    "PositionReferenceIndicator",
]


def digests(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def contours(root: Path, truth: PhantomTruth, letter: str) -> dict[int, np.ndarray]:
    folder = root / "contourfiles" / truth.original_id / f"{letter}-contours"
    found = {}
    for path in folder.iterdir():
        match = re.fullmatch(rf"IM-0001-(\d{{4}})-{letter}contour-manual\.txt", path.name)
        assert match, path.name
        found[int(match[1])] = read_contour(path)
    return found


def pixels(root: Path, truth: PhantomTruth, number: int) -> np.ndarray:
    return pydicom.dcmread(root / "dicoms" / truth.patient_id / f"{number}.dcm").pixel_array


def numbers(truth: PhantomTruth, letter: str) -> set[int]:
    ed = {20 * s + truth.ed_phase + 1 for s in truth.ed_slices}
    return ed if letter == "o" else ed | {20 * s + truth.es_phase + 1 for s in truth.es_slices}


def test_write_phantom_writes_the_tree_of_the_real_sample(cohort):
    root, truths = cohort
    assert {path.name for path in root.iterdir()} == {"dicoms", "contourfiles", "link.csv", "phantom.json"}
    with (root / "link.csv").open() as file:
        link = {row["patient_id"]: row["original_id"] for row in csv.DictReader(file)}
    assert link == {t.patient_id: t.original_id for t in truths}
    assert all(patient != original for patient, original in link.items())
    for truth in truths:
        images = {int(path.stem) for path in (root / "dicoms" / truth.patient_id).iterdir()}
        assert images == numbers(truth, "i")
        assert set(contours(root, truth, "i")) == numbers(truth, "i")
        assert set(contours(root, truth, "o")) == numbers(truth, "o")


@pytest.mark.slow
def test_write_phantom_with_all_frames_writes_the_same_contoured_frames(cohort, whole):
    root, truth = whole
    images = {int(path.stem) for path in (root / "dicoms" / truth.patient_id).iterdir()}
    assert images == set(range(1, 20 * truth.slices + 1))
    for letter in "io":
        assert set(contours(root, truth, letter)) == numbers(truth, letter)
    everything, few = digests(root), digests(cohort[0])
    shared = {name for name in few if truth.patient_id in name or f"/{truth.original_id}/" in name}
    assert len(shared) > 30
    assert {name: few[name] for name in shared} == {name: everything[name] for name in shared}


def test_write_phantom_leaves_outermost_slices_without_contour(cohort):
    for truth in cohort[1]:
        assert min(truth.ed_slices) > 0
        assert max(truth.ed_slices) < truth.slices - 1
        assert set(truth.es_slices) <= set(truth.ed_slices)
        assert len(truth.es_slices) >= 5


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("phantom") / "two"
    write_phantom(root, patients=2, seed=3, frames="contoured")
    return root


def test_write_phantom_of_fewer_patients_writes_the_same_files_for_each(cohort, two):
    two, many = digests(two), digests(cohort[0])
    for name in ("link.csv", "phantom.json"):
        assert two.pop(name) != many[name]
    assert two.items() <= many.items()


def test_write_phantom_with_another_seed_writes_other_patients(cohort, tmp_path):
    truth = write_phantom(tmp_path / "other", patients=1, seed=4, frames="contoured")[0]
    assert truth.edv_ml != cohort[1][0].edv_ml
    many, other = digests(cohort[0]), digests(tmp_path / "other")
    assert not set(many.values()) & set(other.values())


def test_write_phantom_gives_each_patient_different_files(cohort):
    root, truths = cohort
    assert len({truth.edv_ml for truth in truths}) == len({truth.pixel_spacing for truth in truths}) == PATIENTS
    assert {truth.kind for truth in truths} == {"healthy", "dilated", "hypertrophic", "failing"}
    assert len(set(digests(root).values())) == len(digests(root))


def test_write_phantom_headers_are_valid_and_complete(cohort):
    # Warnings are errors here, including pydicom's about malformed values.
    root, truths = cohort
    sop, series = set(), set()
    for truth in truths:
        for path in (root / "dicoms" / truth.patient_id).iterdir():
            ds = pydicom.dcmread(path)
            assert all(ds[name].value not in (None, "") for name in REQUIRED)
            assert all(name in ds for name in MAY_BE_EMPTY)
            list(ds.iterall())  # converts and so checks every value
            assert ds.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID == pydicom.uid.MRImageStorage
            assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
            assert ds.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
            uids = (ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID)
            assert all(uid.is_valid for uid in uids)
            assert len(set(uids)) == 4
            assert "phantom" in ds.Manufacturer
            assert ds.InstanceNumber == int(path.stem)
            phase = (ds.InstanceNumber - 1) % 20
            assert float(ds.TriggerTime) == pytest.approx((phase + 0.5) * ds.NominalInterval / 20, rel=1e-5)
            image = ds.pixel_array
            assert image.shape == (256, 256)
            assert image.dtype == np.int16
            assert image.min() == 0
            assert 250 < image.max() < 2000
            assert ds.LargestImagePixelValue == image.max()
            sop.add(ds.SOPInstanceUID)
            series.add(ds.SeriesInstanceUID)
    assert len(sop) == sum(len(numbers(truth, "i")) for truth in truths)
    assert len(series) == len(truths)


def test_write_phantom_stacks_slices_along_their_normal(cohort):
    root, truths = cohort
    for truth in truths:
        stack = [pydicom.dcmread(path) for path in (root / "dicoms" / truth.patient_id).iterdir()]
        row, column = np.array(stack[0].ImageOrientationPatient, float).reshape(2, 3)
        assert np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-5)
        assert np.abs(np.cross(row, column)).max() < 0.95  # oblique
        position = {(ds.InstanceNumber - 1) // 20: np.array(ds.ImagePositionPatient, float) for ds in stack}
        location = {(ds.InstanceNumber - 1) // 20: float(ds.SliceLocation) for ds in stack}
        assert sorted(position) == list(truth.ed_slices)
        first = truth.ed_slices[0]
        for s in truth.ed_slices[1:]:
            step = (position[s] - position[first]) / (s - first)
            assert step @ np.cross(row, column) == pytest.approx(-truth.slice_spacing, abs=1e-3)
            assert np.linalg.norm(step) == pytest.approx(truth.slice_spacing, abs=1e-3)
            told = abs(location[s] - location[first]) / (s - first)
            assert 0.5 * truth.slice_spacing < told < 0.95 * truth.slice_spacing
        for ds in stack:
            assert float(ds.SliceThickness) == float(ds.SpacingBetweenSlices) == truth.slice_spacing
            assert [float(v) for v in ds.PixelSpacing] == [truth.pixel_spacing] * 2


def test_write_phantom_contours_lie_on_half_pixels_like_real_ones(cohort):
    root, truths = cohort
    for truth in truths:
        inner, outer = contours(root, truth, "i"), contours(root, truth, "o")
        for points in (*inner.values(), *outer.values()):
            halves = 2 * (points - CONTOUR_ORIGIN)
            assert np.array_equal(halves, np.rint(halves))
            steps = np.abs(np.diff(np.concatenate([halves, halves[:1]]), axis=0)).max(axis=1)
            assert steps.max() == steps.min() == 1
            assert len(np.unique(points, axis=0)) == len(points)  # does not touch itself
            assert 20 < points.min() < points.max() < 235
            assert 40 < len(points) < 500
        for number, points in outer.items():
            wall, cavity = (polygon2mask((256, 256), p[:, ::-1]) for p in (points, inner[number]))
            assert not (cavity & ~wall).any()
            assert wall.sum() > 1.2 * cavity.sum()


def test_write_phantom_images_show_blood_brighter_than_the_wall_at_every_contour(cohort):
    root, truths = cohort
    for truth in truths:
        for number, points in contours(root, truth, "i").items():
            image = pixels(root, truth, number).astype(float)
            cavity = polygon2mask(image.shape, points[:, ::-1])
            around = ndimage.binary_dilation(cavity, iterations=3) & ~ndimage.binary_dilation(cavity)
            assert image[cavity].mean() > 1.5 * image[around].mean()
            # The contour lies on the edge: moved by two pixels, it fits worse.
            inside = image[cavity].mean() - image[around].mean()
            for shift in ((2, 0), (-2, 0), (0, 2), (0, -2)):
                moved = np.roll(image, shift, axis=(0, 1))
                assert moved[cavity].mean() - moved[around].mean() < inside


def test_write_phantom_contours_give_the_known_slab_volumes(cohort):
    root, truths = cohort
    for truth in truths:
        inner = contours(root, truth, "i")
        for phase, slices, known in (
            (truth.ed_phase, truth.ed_slices, truth.slab_edv_ml),
            (truth.es_phase, truth.es_slices, truth.slab_esv_ml),
        ):
            summed = sum(area(inner[20 * s + phase + 1]) for s in slices)
            volume = summed * truth.pixel_spacing**2 * truth.slice_spacing / 1000
            assert volume == pytest.approx(known, rel=0.01)


def test_write_phantom_volumes_are_plausible(cohort):
    for truth in cohort[1]:
        assert 80 < truth.edv_ml < 300
        assert 0.2 <= 1 - truth.esv_ml / truth.edv_ml <= 0.7
        assert 0.8 * truth.edv_ml < truth.slab_edv_ml < truth.edv_ml
        assert 0.6 * truth.esv_ml < truth.slab_esv_ml < truth.esv_ml


def test_write_phantom_json_equals_the_returned_values(cohort):
    root, truths = cohort
    known = json.loads((root / "phantom.json").read_text())
    assert (known["version"], known["seed"], known["frames"]) == (phantom.PHANTOM_VERSION, 3, "contoured")
    assert known["contour_origin"] == CONTOUR_ORIGIN
    for told, truth in zip(known["patients"], truths, strict=True):
        assert PhantomTruth(**told | {k: tuple(told[k]) for k in ("ed_slices", "es_slices")}) == truth


@pytest.mark.slow
def test_write_phantom_images_change_in_the_heart_and_not_in_the_body(whole):
    root, truth = whole
    middle = truth.ed_slices[len(truth.ed_slices) // 2]
    frames = np.stack([pixels(root, truth, 20 * middle + p + 1).astype(float) for p in range(20)])
    cavity = contours(root, truth, "o")[20 * middle + truth.ed_phase + 1]
    heart = polygon2mask((256, 256), cavity[:, ::-1])
    change = frames.std(axis=0)
    assert change[heart].mean() > 4 * np.median(change[~ndimage.binary_dilation(heart, iterations=30)])
    corner = frames[:, 60:80, 200:220]  # far from the heart, inside the field of view
    assert (corner.std(axis=0) > 0).mean() > 0.9  # each frame has its own noise


def test_write_phantom_with_the_same_seed_writes_the_same_bytes_and_calls_on_patient(two, tmp_path):
    seen = []
    truths = write_phantom(tmp_path / "out", patients=2, seed=3, frames="contoured", on_patient=seen.append)
    assert tuple(seen) == truths
    assert digests(tmp_path / "out") == digests(two)


def test_write_phantom_to_a_folder_with_content_raises_and_keeps_it(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not empty"):
        write_phantom(tmp_path, patients=1, frames="contoured")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_write_phantom_that_fails_leaves_no_files(tmp_path, error):
    def fail(truth):
        raise error

    with pytest.raises(type(error)):
        write_phantom(tmp_path / "out", patients=1, frames="contoured", on_patient=fail)
    assert list(tmp_path.iterdir()) == []


def test_write_phantom_to_a_full_disk_raises_data_error(tmp_path, monkeypatch):
    def no_space(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras_lvseg.phantom.dicom_writer.dcmwrite", no_space)
    with pytest.raises(DataError, match=r"out: cannot be written \(No space left on device\)"):
        write_phantom(tmp_path / "out", patients=1, frames="contoured")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argument", [{"patients": 0}, {"seed": -1}, {"frames": "some"}, {"tree": "mine"}])
def test_write_phantom_with_an_invalid_argument_raises(tmp_path, argument):
    with pytest.raises(ValueError, match=next(iter(argument))):
        write_phantom(tmp_path / "out", **argument)
    assert list(tmp_path.iterdir()) == []
