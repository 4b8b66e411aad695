"""The same patients in every tree: phantoms, and the real sample in other layouts."""

import json
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest

from keras_lvseg.data import SAXDataset, SunnybrookSAXDataset
from keras_lvseg.data.layouts.cardiac_atlas import KNOWN_LINKS

ARCHIVE = "Sunnybrook Cardiac MR Database ContoursPart3/TrainingDataContours"


def place(frame):
    """Return what identifies a frame in any tree."""
    contours = [path and path.read_bytes() for path in (frame.endocardium, frame.epicardium)]
    return (frame.sop_instance_uid, frame.instance_number, frame.slice, frame.phase, frame.slice_spacing, contours)


def assert_same(tree, reference):
    """Assert that frames, contours and arrays equal those of the reference tree, and return the data set."""
    found, expected = (SAXDataset(folder, target="myocardium", image_size=(96, 96)) for folder in (tree, reference))
    assert [place(frame) for frame in found.frames] == [place(frame) for frame in expected.frames]
    assert [len(p.frames) for p in found.patients] == [len(p.frames) for p in expected.patients]
    for mine, theirs in zip(found.as_arrays("all"), expected.as_arrays("all"), strict=True):
        assert np.array_equal(mine, theirs)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("tree", ["atlas_tree", "challenge_tree"])
def test_phantom_in_another_tree_has_the_same_frames_and_arrays(tree, phantom_tree, request):
    folder = request.getfixturevalue(tree)
    dataset = assert_same(folder, phantom_tree)
    truths = json.loads((folder / "phantom.json").read_text())["patients"]
    assert [(p.patient_id, p.original_id) for p in dataset.patients] == [
        (truth["patient_id"], truth["original_id"]) for truth in truths
    ]
    reference = {frame.sop_instance_uid: frame.path for frame in SAXDataset(phantom_tree).frames}
    assert all(f.path.read_bytes() == reference[f.sop_instance_uid].read_bytes() for f in dataset.frames)


def named_as_patients(tree, folder, rename):
    """Copy a phantom tree and rename its patient folders as patients of the challenge."""
    shutil.copytree(tree, folder)
    (folder / "scd_patientdata.csv").unlink(missing_ok=True)
    for old, new in rename.items():
        for path in [path for path in folder.rglob(old) if path.is_dir()]:
            path.rename(path.with_name(new))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tree", "rename"),
    [
        ("atlas_tree", {"PHANTOM0001": "SCD0000101", "PHANTOM0002": "SCD0000501", "PHANTOM0003": "SCD0000901"}),
        ("challenge_tree", {"PH-1": "SC-HF-I-1", "PH-2": "SC-HF-I-6", "PH-3": "SC-HF-I-10"}),
    ],
)
def test_official_splits_of_renamed_phantoms_are_found_in_every_tree(tree, rename, request, tmp_path):
    contours = {"PH-01": "SC-HF-I-01", "PH-02": "SC-HF-I-06", "PH-03": "SC-HF-I-10"}
    folder = named_as_patients(request.getfixturevalue(tree), tmp_path / "tree", rename | contours)
    dataset = SunnybrookSAXDataset(folder)
    assert [p.original_id for p in dataset.patients] == ["SC-HF-I-1", "SC-HF-I-6", "SC-HF-I-10"]
    splits = {name: split["patients"] for name, split in dataset.info["splits"].items()}
    assert splits == dict(zip(("train", "validation", "test"), ([name] for name in rename.values()), strict=True))
    assert all(len(dataset.labelled_frames(name)) > 10 for name in splits)


def relay_contours(sample, folder, name):
    """Copy a patient's contours into the challenge's layout, with a padded name and papillary contours beside them."""
    expert = folder / re.sub(r"-(\d)$", r"-0\1", name) / "contours-manual" / "IRCCI-expert"
    expert.mkdir(parents=True)
    for path in (sample / "contourfiles" / name).glob("*/*.txt"):
        shutil.copy(path, expert)
    shutil.copy(path, expert / "IM-0001-0040-p1contour-manual.txt")


def patients(sample):
    lines = (sample / "link.csv").read_text().split()[1:]
    return dict(line.split(",") for line in lines)


def test_real_sample_in_the_cardiac_atlas_tree_has_the_same_frames_and_arrays(sunnybrook, tmp_path):
    for patient_id, name in patients(sunnybrook).items():
        assert KNOWN_LINKS[patient_id] == name
        folder = tmp_path / "SCD_DeidentifiedImages" / "SCD_IMAGES_01" / patient_id / "CINESAX_300"
        folder.mkdir(parents=True)
        for path in (sunnybrook / "dicoms" / patient_id).glob("*.dcm"):
            shutil.copy(path, folder / f"IM-0003-{int(path.stem):04d}.dcm")
        relay_contours(sunnybrook, tmp_path / "SCD_ManualContours", name)
    dataset = assert_same(tmp_path, sunnybrook)
    assert [p.patient_id for p in dataset.patients] == list(patients(sunnybrook))
    assert {p.original_id for p in SunnybrookSAXDataset(tmp_path).patients} == set(patients(sunnybrook).values())


def write_decoy(path, source, pixels, uid):
    """Write a real file with other pixels and another series UID."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # real identifiers have components with a leading zero
        dataset = pydicom.dcmread(source)
        dataset.SeriesInstanceUID = uid
        dataset.PixelData = pixels.astype("<i2").tobytes()
        dataset.save_as(path)


def decoys(images, phases=20):
    """Yield decoy series by frame number, made of a patient's real pixels."""
    top = int(max(np.percentile(image, 99) for image in images.values()))
    yield {n: np.where(image > top // 20, np.maximum(top - image, 0), image) for n, image in images.items()}
    # The neighbouring slice towards the apex or, if missing, towards the base.
    yield {n: images.get(n + phases, images.get(n - phases)) for n in images if {n + phases, n - phases} & set(images)}
    rng = np.random.default_rng(4)
    breath = {slice_: np.rint(rng.normal(0, 3, 2)).astype(int) for slice_ in range(30)}
    yield {n: np.roll(image, breath[(n - 1) // phases], axis=(0, 1)) for n, image in images.items()}


def test_real_sample_in_the_challenge_tree_with_decoys_has_the_same_frames_and_arrays(sunnybrook, tmp_path):
    for patient_id, name in patients(sunnybrook).items():
        folder: Path = tmp_path / "challenge_training" / name
        folder.mkdir(parents=True)
        sources = {int(path.stem): path for path in (sunnybrook / "dicoms" / patient_id).glob("*.dcm")}
        for number, path in sources.items():
            shutil.copy(path, folder / f"IM-0004-{number:04d}.dcm")
        relay_contours(sunnybrook, tmp_path / ARCHIVE, name)
        numbers = {int(path.name[8:12]) for path in (sunnybrook / "contourfiles" / name).glob("i-contours/*.txt")}
        near = {n + step for n in numbers for step in (-20, 0, 20)} & set(sources)
        images = {n: pydicom.dcmread(sources[n]).pixel_array for n in near}
        # As in the real data, decoys have series numbers before and after the contoured one.
        for series, decoy in zip((3, 5, 6), decoys(images), strict=True):
            assert numbers <= set(decoy)
            for number in numbers:
                path = folder / f"IM-{series:04d}-{number:04d}.dcm"
                write_decoy(path, sources[number], decoy[number], f"1.2.3.{series}")
    dataset = assert_same(tmp_path, sunnybrook)
    assert {frame.path.name[:7] for frame in dataset.frames} == {"IM-0004"}
    assert [p.original_id for p in dataset.patients] == list(patients(sunnybrook).values())


@pytest.mark.slow
def test_phantom_decoys_differ_from_the_contoured_series_as_named(challenge_tree):
    files = sorted(challenge_tree.glob("challenge_training/PH-1/*.dcm"))
    series = {}
    for path in files:
        dataset = pydicom.dcmread(path)
        series.setdefault(int(dataset.SeriesNumber), {})[int(dataset.InstanceNumber)] = dataset
    assert sorted(series) == [300, 301, 302, 303, 304]
    assert len({str(own[min(own)].SeriesInstanceUID) for own in series.values()}) == 5
    assert len({str(dataset.SOPInstanceUID) for own in series.values() for dataset in own.values()}) == len(files)
    # The number in the file's name is the frame's. The position of the contoured series varies.
    assert all(
        int(path.stem[8:]) == pydicom.dcmread(path, specific_tags=["InstanceNumber"]).InstanceNumber for path in files
    )
    true, dark, shifted, long_axis, repeated = (series[number] for number in sorted(series))
    assert true.keys() == dark.keys() == shifted.keys() == long_axis.keys() == repeated.keys()

    def normal(dataset):
        return np.cross(*np.array(dataset.ImageOrientationPatient, float).reshape(2, 3))

    for number, frame in true.items():
        position, pixels = np.array(frame.ImagePositionPatient, float), frame.pixel_array.astype(int)
        for same in (dark, repeated):
            assert same[number].ImagePositionPatient == frame.ImagePositionPatient
            assert same[number].ImageOrientationPatient == frame.ImageOrientationPatient
        bright = pixels > np.percentile(pixels, 99)
        assert dark[number].pixel_array[bright].mean() < pixels[bright].mean() / 4
        step = np.array(shifted[number].ImagePositionPatient, float) - position
        assert np.linalg.norm(step) == pytest.approx(float(frame.SpacingBetweenSlices), abs=1e-3)
        if number + 20 in true:
            assert np.array_equal(shifted[number].pixel_array, true[number + 20].pixel_array)
        assert abs(normal(frame) @ normal(long_axis[number])) < 1e-3
        likeness = np.corrcoef(pixels.ravel(), repeated[number].pixel_array.ravel())[0, 1]
        assert 0.2 < likeness < 0.99


def test_phantom_contoured_series_number_differs_between_patients(challenge_tree):
    places = set()
    for folder in challenge_tree.glob("challenge_*/PH-*"):
        numbers = sorted({path.name[3:7] for path in folder.iterdir()})
        first = {n: pydicom.dcmread(next(folder.glob(f"IM-{n}-*")), specific_tags=["SeriesNumber"]) for n in numbers}
        places.add([int(first[n].SeriesNumber) for n in numbers].index(300))
    assert len(places) > 1
