import shutil

import nibabel
import numpy as np
import pytest

from keras_lvseg.audit import audit_tree
from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.errors import DataError
from keras_lvseg.inference import Segmenter
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.studies import read_image
from tests.inference.planted import write_planted_run
from tests.nifti_tree import CAVITY, MYOCARDIUM, VALUES, image_of, label_of, save, write_nifti_tree


def test_tree_of_one_phase_per_file_gives_patients_and_volumes(tmp_path):
    dataset = SAXDataset(write_nifti_tree(tmp_path), label_values=VALUES, target="myocardium")
    assert [patient.patient_id for patient in dataset.patients] == ["patient001", "patient002"]
    patient = dataset.patients[0]
    assert {(frame.slice, frame.phase) for frame in patient.frames} == {(s, p) for s in range(4) for p in (0, 11)}
    assert (patient.ed_phase, patient.es_phase, patient.slice_spacing) == (0, 11, 8)
    pixels = [np.count_nonzero(label_of(radius) == CAVITY) for radius in (9.0, 6.0)]
    assert patient.edv_ml == pytest.approx(pixels[0] * 1.5 * 1.25 * 8 / 1000)
    assert patient.esv_ml == pytest.approx(pixels[1] * 1.5 * 1.25 * 8 / 1000)
    assert dataset.info["label_values"] == VALUES
    # Slices without a pixel of the cavity are unlabelled.
    assert len(dataset.labelled_frames("all")) == 2 * 2 * 2


def test_labels_are_the_pixels_of_the_file_beside_their_image(tmp_path):
    dataset = SAXDataset(write_nifti_tree(tmp_path), label_values=VALUES, target="myocardium")
    for frame in dataset.labelled_frames("all"):
        label = draw_label(frame, "myocardium", dataset.contour_origin)
        image = read_image(frame)
        stored = nibabel.load(frame.endocardium).get_fdata()[..., (frame.record - 1) % 4]
        pictures = nibabel.load(frame.path).get_fdata()[..., (frame.record - 1) % 4]
        np.testing.assert_array_equal(image, pictures.T[::-1])
        expected = np.select([stored == CAVITY, stored == MYOCARDIUM], [1, 2], 0)
        np.testing.assert_array_equal(label, expected.T[::-1])
    images, labels = dataset.as_arrays("all")
    assert images.shape == labels.shape == (8, 256, 256, 1)
    assert set(np.unique(labels)) == {0, 1, 2}


def test_two_folders_hold_studies_of_four_dimensions(tmp_path):
    """As `segment` writes masks: 1 is the cavity and 2 the myocardium."""
    labels = np.stack([label_of(radius) for radius in (9.0, 7.0, 6.0)], axis=-1)
    ours = np.select([labels == CAVITY, labels == MYOCARDIUM], [1, 2], 0).astype(np.uint8)
    save(tmp_path / "images" / "heart.nii.gz", image_of(labels, 0))
    save(tmp_path / "labels" / "heart.nii.gz", ours)
    save(tmp_path / "images" / "unlabelled.nii.gz", image_of(label_of(5.0), 1))
    dataset = SAXDataset(tmp_path)
    assert [(patient.patient_id, patient.phases) for patient in dataset.patients] == [("heart", 3), ("unlabelled", 1)]
    assert (dataset.patients[0].ed_phase, dataset.patients[0].es_phase) == (0, 2)
    assert len(dataset.labelled_frames("all")) == 6
    for frame in dataset.labelled_frames("all"):
        stored = ours[..., (frame.record - 1) % 4, frame.phase]
        np.testing.assert_array_equal(draw_label(frame, "endocardium", -0.75), (stored == 1).T[::-1])


def test_masks_of_segment_that_a_person_corrected_are_the_labels(tmp_path):
    """The steps of the guide "Correct a mask and train on"."""
    heart = np.stack([label_of(radius) for radius in (9.0, 6.0)], axis=-1)
    image = save(tmp_path / "corrected" / "images" / "heart.nii.gz", image_of(heart, 0))
    run = write_planted_run(tmp_path / "run", 180.0, wall=80.0)
    (study,) = Segmenter(run).segment(image)
    masks = nibabel.load(study.write(tmp_path / "out", outputs=["nifti"]) / "masks.nii.gz")
    corrected = np.array(masks.dataobj)
    assert set(np.unique(corrected)) == {0, 1, 2}
    corrected[16:20, 12:15, 1, 0] = 0
    corrected[18, 16:30, 2, 1] = 1
    corrected[..., 1, 1] = 0  # not checked
    save(tmp_path / "corrected" / "labels" / "heart.nii.gz", corrected, masks.affine)
    dataset = SAXDataset(tmp_path / "corrected", target="myocardium")
    frames = dataset.labelled_frames("all")
    assert len(frames) == 3
    for frame in frames:
        stored = corrected[..., (frame.record - 1) % 4, frame.phase]
        np.testing.assert_array_equal(draw_label(frame, "myocardium", -0.75), stored.T[::-1])


def test_find_inputs_of_labelled_tree_segments_images_only(tmp_path):
    inputs = find_inputs(write_nifti_tree(tmp_path, ("patient001",)))
    assert sorted(study.name for study in inputs.studies) == ["patient001", "patient001_4d"]
    endings = {file.path.name: file.reason.split(",")[0] for file in inputs.skipped}
    assert endings.pop("Info.cfg") == "is neither DICOM nor NIfTI nor PNG"
    assert set(endings.values()) == {"is a label"}


def test_audit_finds_label_of_another_patient(tmp_path):
    tree = write_nifti_tree(tmp_path / "tree")
    assert {finding.code for finding in audit_tree(tree, label_values=VALUES).errors} <= {"repeated-contour"}
    label = tree / "patient001" / "patient001_frame01_gt.nii.gz"
    save(label, np.roll(label_of(9.0), 12, axis=1))
    found = audit_tree(tree, label_values=VALUES).errors
    assert "dark-blood" in {finding.code for finding in found if "patient001" in finding.patients}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: save(tree / "patient001" / "alone_gt.nii.gz", label_of(9.0)), "is a label without an image"),
        (
            lambda tree: save(tree / "patient001" / "patient001_frame01_gt.nii.gz", label_of(9.0)[..., :3]),
            "has another grid than its image",
        ),
        (
            lambda tree: save(
                tree / "patient001" / "patient001_frame01_gt.nii.gz", label_of(9.0), np.diag([-1.5, -1.25, 8, 1])
            ),
            "has another grid than its image",
        ),
        (
            lambda tree: save(tree / "patient001" / "patient001_frame01_gt.nii.gz", label_of(9.0) * 0),
            r"has no pixel of the cavity; expected the value 3; see `label_values`",
        ),
        (
            lambda tree: shutil.copytree(tree / "patient001", tree / "copy"),
            "has the patient and phase of",
        ),
        (
            lambda tree: (tree / "patient001" / "patient001_frame01_gt.nii.gz").write_bytes(b"\x1f\x8b"),
            "is damaged",
        ),
    ],
)
def test_faulty_tree_raises(tmp_path, change, message):
    change(write_nifti_tree(tmp_path))
    with pytest.raises(DataError, match=message):
        SAXDataset(tmp_path, label_values=VALUES)


@pytest.mark.parametrize(
    "values",
    [{"cavity": 3}, {"cavity": 3, "myocardium": 3}, {"cavity": 0, "myocardium": 1}, {**VALUES, "right": 1}, {}],
)
def test_invalid_label_values_raise(tmp_path, values):
    write_nifti_tree(tmp_path)
    with pytest.raises(ValueError, match=r"`label_values`\. Expected 'cavity' and 'myocardium' with two numbers"):
        SAXDataset(tmp_path, label_values=values)


def test_label_values_need_labelled_nifti(phantom_tree):
    with pytest.raises(DataError, match="has no label NIfTI"):
        SAXDataset(phantom_tree, label_values=VALUES)


@pytest.mark.parametrize("linked", ["patient001", "patient001/patient001_frame01_gt.nii.gz"])
def test_link_out_of_tree_raises(tmp_path, linked):
    tree = write_nifti_tree(tmp_path / "tree")
    outside = tmp_path / "outside"
    shutil.move(tree / linked, outside)
    (tree / linked).symlink_to(outside)
    with pytest.raises(DataError, match="is a link out of"):
        SAXDataset(tree, label_values=VALUES)


def test_linked_folder_of_images_raises(tmp_path):
    save(tmp_path / "outside" / "heart.nii.gz", label_of(9.0))
    save(tmp_path / "tree" / "labels" / "heart.nii.gz", label_of(9.0))
    (tmp_path / "tree" / "images").symlink_to(tmp_path / "outside")
    with pytest.raises(DataError, match="is a link out of"):
        SAXDataset(tmp_path / "tree", label_values=VALUES)
