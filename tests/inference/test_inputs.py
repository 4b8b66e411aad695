import errno
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.inference.inputs import find_inputs
from tests.png_tree import write_png_tree
from tests.small_tree import edit, images_of, write_small_tree, write_stack


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two patients with two slices and three phases; read-only."""
    return write_small_tree(tmp_path_factory.mktemp("small") / "tree", {"P1": "O1", "P2": "O2"})


@pytest.fixture
def own_tree(tree, tmp_path):
    return shutil.copytree(tree, tmp_path / "tree")


def png(values):
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def contents(tree):
    """Return files by name, and whether each is an image."""
    dicom = next(iter(images_of(tree, "P1"))).read_bytes()
    grey, colours = png(np.eye(9, dtype=np.uint8)), png(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    return {
        "1.dcm": (dicom, True),
        "2.DCM": (dicom, True),
        "1.2.840.3": (dicom, True),
        "short.dcm": (dicom[:400], False),
        "text.dcm": (b"no image", False),
        "a.png": (grey, True),
        "B.PNG": (grey, True),
        "torn.png": (grey[:20], False),
        "text.png": (b"no image", False),
        "report.pdf": (b"%PDF-1.7", False),
        "notes.txt": (b"", False),
        "colours.png": (colours, True),  # pixels are read later
    }


@given(st.sets(st.tuples(st.sampled_from([".", "a", "a/b/c/d/e/f/g/h"]), st.integers(0, 11)), max_size=10))
def test_find_inputs_each_file_is_image_or_skipped(tree, tmp_path_factory, chosen):
    root = tmp_path_factory.mktemp("any")
    known = list(contents(tree).items())
    images, others = set(), set()
    for folder, i in chosen:
        name, (content, is_image) = known[i]
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / name).write_bytes(content)
        (images if is_image else others).add(root / folder / name)
        for hidden in (".DS_Store", "._1.dcm", "DICOMDIR"):
            (root / folder / hidden).write_bytes(content)
    inputs = find_inputs(root)
    found = [frame.path for study in inputs.studies for frame in study.frames]
    found += [skipped.path for study in inputs.studies for skipped in study.skipped]  # copies of one image
    assert (len(found), set(found)) == (len(images), images)
    refused = [skipped.path for skipped in inputs.skipped]
    assert (len(refused), set(refused)) == (len(others), others)
    assert all(skipped.reason and "\n" not in skipped.reason for skipped in inputs.skipped)
    assert len({study.name for study in inputs.studies}) == len(inputs.studies)


def test_find_inputs_tells_how_many_headers_were_read(tmp_path):
    write_stack(tmp_path / "study", places=(0, 8), phases=2)
    (tmp_path / "notes.txt").write_text("no image")
    told = []
    find_inputs(tmp_path, on_read=lambda done, total: told.append((done, total)))
    assert told == [(done, 5) for done in range(1, 6)]


def test_find_inputs_known_tree_gives_patients(tree):
    inputs = find_inputs(tree)
    assert inputs.skipped == inputs.notes == ()
    dataset = SAXDataset(tree)
    assert [study.name for study in inputs.studies] == [patient.patient_id for patient in dataset.patients]
    places = lambda frames: {(f.path, f.patient_id, f.original_id, f.slice, f.phase) for f in frames}  # noqa: E731
    assert places(f for study in inputs.studies for f in study.frames) == places(dataset.frames)
    assert all(study.geometry_error is None for study in inputs.studies)


def test_find_inputs_png_table_gives_spacing_and_phase(tmp_path):
    root = write_png_tree(tmp_path / "pictures")
    inputs = find_inputs(root, pixel_spacing=3.0)
    assert inputs.skipped == inputs.notes == ()
    assert [(study.name, len(study.frames), study.geometry_error) for study in inputs.studies] == [
        ("P1", 4, None),
        ("P2", 4, None),
    ]
    assert inputs.studies[0].frames == tuple(f for f in SAXDataset(root).frames if f.patient_id == "P1")


@pytest.mark.parametrize("spacing", [None, 2.0])
def test_find_inputs_png_without_table_has_geometry_error(tmp_path, spacing):
    root = write_png_tree(tmp_path / "pictures")
    (root / "patients.csv").unlink()
    (study,) = find_inputs(root, spacing).studies
    assert (study.name, len(study.frames)) == ("images", 8)  # without the labels
    assert study.geometry_error == "a PNG has no slice and phase"
    np.testing.assert_array_equal({frame.pixel_spacing for frame in study.frames}.pop(), (spacing or np.nan,) * 2)


def test_find_inputs_faulty_tree_gives_note_and_single_images(own_tree):
    with (own_tree / "link.csv").open("a") as table:
        table.write("P3,O3\n")
    inputs = find_inputs(own_tree)
    (note,) = inputs.notes
    assert "P3" in note
    assert "\n" not in note
    assert [(study.name, len(study.frames)) for study in inputs.studies] == [("dicoms/P1", 6), ("dicoms/P2", 6)]


def test_find_inputs_damaged_png_is_skipped_alone(tmp_path):
    root = write_png_tree(tmp_path / "pictures")
    before = [frame for study in find_inputs(root).studies for frame in study.frames]
    torn = sorted(root.glob("images/*"))[2]
    torn.write_bytes(torn.read_bytes()[:20])
    inputs = find_inputs(root)
    assert [skipped.path for skipped in inputs.skipped] == [torn]
    assert inputs.notes == ()
    read = {frame for frame in before if frame.path != torn}
    assert {frame for study in inputs.studies for frame in study.frames} == read
    for path in root.glob("images/P1*"):  # no image of P1 is left
        path.write_bytes(b"")
    inputs = find_inputs(root)
    assert len(inputs.skipped) == 4
    assert [(study.name, len(study.frames)) for study in inputs.studies] == [("P2", 4)]


def test_find_inputs_images_folder_uses_table_of_tree(tmp_path):
    root = write_png_tree(tmp_path / "pictures")
    whole = find_inputs(root)
    inputs = find_inputs(root / "images")
    assert inputs.studies == whole.studies
    assert inputs.root == root / "images"
    first = whole.studies[0].frames[0]
    (study,) = find_inputs(first.path).studies
    assert (study.name, study.frames) == (first.path.stem, (first,))
    torn = whole.studies[1].frames[0].path
    torn.write_bytes(b"")
    inputs = find_inputs(torn)
    assert ([skipped.path for skipped in inputs.skipped], inputs.studies) == ([torn], ())
    assert len(find_inputs(root / "images").skipped) == 1


def test_find_inputs_each_series_is_a_study(own_tree, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    for patient in ("P1", "P2"):
        for path in images_of(own_tree, patient):
            shutil.copy(path, folder / f"{patient}-{path.name}")
    inputs = find_inputs(folder)
    assert [(study.name, len(study.frames), study.geometry_error) for study in inputs.studies] == [
        ("one", 6, None),
        ("one-2", 6, None),
    ]
    for study in inputs.studies:
        assert len({frame.series_instance_uid for frame in study.frames}) == 1


def test_find_inputs_other_view_is_left_out(own_tree):
    path = list(images_of(own_tree, "P1"))[1]
    edit(path, ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    first, _ = find_inputs(own_tree).studies
    assert (first.name, len(first.frames), first.geometry_error) == ("P1", 5, None)
    (skipped,) = first.skipped
    assert skipped.path == path
    assert skipped.reason == "is not parallel to the short-axis stack (90 degrees): a long-axis view or a localiser"


def test_find_inputs_invalid_spacing_is_skipped(own_tree):
    path = list(images_of(own_tree, "P1"))[1]
    edit(path, PixelSpacing=["0.00001", "1.5"])
    inputs = find_inputs(own_tree)
    (skipped,) = inputs.skipped
    assert (skipped.path, skipped.reason) == (
        path,
        "has an invalid pixel spacing; expected 0.1 to 10 mm, got 1e-05 x 1.5",
    )
    assert [len(study.frames) for study in inputs.studies] == [5, 6]


@pytest.mark.parametrize(
    "keyword",
    [
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
    ],
)
@pytest.mark.parametrize("given_spacing", [None, 2.0])
def test_find_inputs_incomplete_header_is_standalone(own_tree, keyword, given_spacing):
    path = list(images_of(own_tree, "P1"))[1]
    edit(path, keyword)
    inputs = find_inputs(own_tree, given_spacing)
    assert inputs.skipped == inputs.notes == ()
    assert [(study.name, len(study.frames)) for study in inputs.studies] == [("P1", 5), ("P2", 6), ("P1-2", 1)]
    standalone = inputs.studies[2]
    assert standalone.geometry_error.startswith(f"2.dcm: has no {keyword}")
    (frame,) = standalone.frames
    assert (frame.path, frame.shape, frame.patient_id, frame.original_id) == (path, (20, 16), "P1", "O1")
    expected = (1.5 if keyword != "PixelSpacing" else given_spacing or np.nan,) * 2
    np.testing.assert_array_equal(frame.pixel_spacing, expected)
    others = {frame.pixel_spacing for study in inputs.studies[:2] for frame in study.frames}
    assert others == {(1.5, 1.5)}


def test_find_inputs_files_without_uids_and_numbers_are_a_stack(own_tree):
    gone = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "InstanceNumber")
    before = find_inputs(own_tree)
    for path in own_tree.glob("dicoms/*/*.dcm"):
        edit(path, *gone)
    inputs = find_inputs(own_tree)
    places = lambda inputs: {(f.path, f.phase) for study in inputs.studies for f in study.frames}  # noqa: E731
    assert places(inputs) == places(before)
    assert [(study.name, study.slices, study.skipped) for study in inputs.studies] == [
        ("P1", (0, 1), ()),
        ("P2", (0, 1), ()),
    ]


def test_find_inputs_unreadable_folder_is_skipped(own_tree, monkeypatch):
    locked, scandir = own_tree / "dicoms" / "P1", os.scandir

    def scan(folder):
        if Path(folder) == locked:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    (own_tree / "link.csv").unlink()
    monkeypatch.setattr(os, "scandir", scan)
    inputs = find_inputs(own_tree / "dicoms")
    assert [(skipped.path, skipped.reason) for skipped in inputs.skipped] == [
        (locked, "cannot be read (Permission denied)")
    ]
    assert [study.name for study in inputs.studies] == ["P2"]


def test_find_inputs_follows_links_to_files_only(own_tree, tmp_path):
    outside = tmp_path / "outside.dcm"
    shutil.copy(next(iter(images_of(own_tree, "P1"))), outside)
    (own_tree / "link.dcm").symlink_to(outside)
    (own_tree / "nowhere.dcm").symlink_to(tmp_path / "absent")
    (own_tree / "again").symlink_to(own_tree / "dicoms", target_is_directory=True)
    (own_tree / "link.csv").unlink()
    inputs = find_inputs(own_tree)
    why = {skipped.path.name: skipped.reason for skipped in inputs.skipped if skipped.path.suffix != ".txt"}
    assert why.keys() == {"again", "nowhere.dcm"}
    assert why["again"] == "is a link to a folder; segment that folder itself"
    assert why["nowhere.dcm"].startswith("cannot be read")
    found = [frame.path for study in inputs.studies for frame in study.frames]
    assert (len(found), own_tree / "link.dcm" in found) == (13, True)


def test_find_inputs_ignores_results(own_tree):
    (own_tree / "out" / "masks").mkdir(parents=True)
    (own_tree / "out" / "segmentation.json").write_text("{}")
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(own_tree / "out" / "masks" / "1_mask.png")
    assert sum(len(study.frames) for study in find_inputs(own_tree).studies) == 12


def test_find_inputs_single_file_is_study_of_its_name(own_tree, tmp_path):
    path = next(iter(images_of(own_tree, "P1")))
    (study,) = find_inputs(path).studies
    assert (study.name, [frame.path for frame in study.frames]) == ("1", [path])
    link = tmp_path / "mine.dcm"
    link.symlink_to(path)
    (study,) = find_inputs(link).studies
    assert (study.name, study.frames[0].path) == ("mine", link)


def test_find_inputs_missing_source_raises(tmp_path):
    with pytest.raises(DataError, match="absent: does not exist; expected a DICOM, NIfTI"):
        find_inputs(tmp_path / "absent")


def test_find_inputs_keeps_all_series_of_patient(tmp_path, tree):
    """Two series of one patient with the same UID in one folder of the challenge, split by file name."""
    folder = tmp_path / "SC-N-2"
    folder.mkdir()
    for number, path in enumerate(images_of(tree, "P1"), 1):
        dataset = pydicom.dcmread(path)
        for series in (3, 4):
            dataset.save_as(folder / f"IM-{series:04}-{number:04}.dcm")
    inputs = find_inputs(tmp_path)
    assert [(study.name, len(study.frames)) for study in inputs.studies] == [("SC-N-2", 6), ("SC-N-2-2", 6)]
    assert inputs.studies[1].frames[0].path.name == "IM-0004-0001.dcm"
