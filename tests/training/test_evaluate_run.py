import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.training import evaluate_run
from tests.dice import dice
from tests.inference.planted import write_planted_run
from tests.nifti_tree import CAVITY, MYOCARDIUM, RIGHT, VALUES, image_of, label_of, save
from tests.small_tree import write_small_tree


def test_evaluate_run_scores_held_out_patients(planted_run, phantom_tree):
    evaluation = evaluate_run(planted_run, phantom_tree)
    assert [(p.patient_id, p.role) for p in evaluation.scores.patients] == [("PHANTOM0003", "test")]
    labels = SAXDataset(phantom_tree, splits={"test": ["PHANTOM0003"]}).as_arrays("test")[1][..., 0]
    np.testing.assert_array_equal(evaluation.labels, labels)
    expected = [dice(label == 1, mask == 1) for label, mask in zip(labels, evaluation.masks, strict=True)]
    assert [image.dice for image in evaluation.scores.images] == pytest.approx(expected, abs=1e-6)
    assert 0 < evaluation.scores.mean_dice < 1


def test_evaluate_run_with_seen_scores_all_patients_with_their_split(planted_run, phantom_tree):
    patients = evaluate_run(planted_run, phantom_tree, seen=True).scores.patients
    assert [(p.patient_id, p.role) for p in patients] == [
        ("PHANTOM0001", "train"),
        ("PHANTOM0002", "train"),
        ("PHANTOM0003", "test"),
    ]


def test_evaluate_run_patient_of_no_split_is_new(planted_run, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P4": "O4"})
    assert [p.role for p in evaluate_run(planted_run, tree).scores.patients] == ["new"]


def test_evaluate_run_without_patient_to_score_is_one_line(planted_run, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"PHANTOM0001": "O1", "PHANTOM0002": "O2"})
    with pytest.raises(DataError, match="was not trained on"):
        evaluate_run(planted_run, tree)


def test_evaluate_run_without_a_label_is_one_line(planted_run, tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P4": "O4"}, radius=lambda slice_, phase: None)
    with pytest.raises(DataError, match="tree: has no contour and no label of the cavity"):
        evaluate_run(planted_run, tree)


def test_evaluate_run_of_bundled_weights_leaves_out_the_patients_they_were_trained_on(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P4": "O4", "SCD0000201": "SC-HF-I-02"}, slices=1, phases=1)
    assert [(p.patient_id, p.role) for p in evaluate_run("sax-lv", tree).scores.patients] == [("P4", "new")]
    patients = evaluate_run("sax-lv", tree, seen=True).scores.patients
    assert [(p.patient_id, p.role) for p in patients] == [("P4", "new"), ("SCD0000201", "train")]


def test_evaluate_run_pixels_outside_the_crop_count_as_errors(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"}, shape=(40, 48), radius=lambda slice_, phase: 12.0 + phase)
    run = write_planted_run(tmp_path / "run", 1.0, image_size=(16, 16))  # takes every pixel
    evaluation = evaluate_run(run, tree)
    for label, mask, image in zip(evaluation.labels, evaluation.masks, evaluation.scores.images, strict=True):
        assert label.shape == mask.shape == (40, 48)
        assert label.sum() > mask.sum() == 256
        assert image.dice == pytest.approx(2 * 256 / (int(label.sum()) + 256))  # 16 x 16 pixels are all that it sees


def test_evaluate_run_of_myocardium_scores_each_structure_where_its_contours_exist(tmp_path):
    truth = label_of(8.0)
    label = truth.copy()
    label[..., 2][label[..., 2] == MYOCARDIUM] = 0  # outlined at the endocardium only
    truth[truth == RIGHT] = 0
    truth[19, :, 1:3] = 0  # what the network misses
    save(tmp_path / "tree" / "images" / "P1.nii.gz", image_of(truth, 0))
    save(tmp_path / "tree" / "labels" / "P1.nii.gz", label)
    run = write_planted_run(tmp_path / "run", 180.0, wall=80.0)
    evaluation = evaluate_run(run, tmp_path / "tree", label_values=VALUES)
    cavity = [dice(label[..., i] == CAVITY, truth[..., i] == CAVITY) for i in (1, 2)]
    assert [image.dice for image in evaluation.scores.images] == pytest.approx(cavity)
    assert len(evaluation.challenge.contours) == 2
    (wall,) = evaluation.myocardium.images
    assert wall.slice == next(frame.slice for frame in evaluation.frames if frame.epicardium)
    assert wall.dice == pytest.approx(dice(label[..., 1] == MYOCARDIUM, truth[..., 1] == MYOCARDIUM))
    assert wall.dice < 1
    classes = {
        frame.epicardium is not None: set(np.unique(drawn))
        for frame, drawn in zip(evaluation.frames, evaluation.labels, strict=True)
    }
    assert classes == {True: {0, 1, 2}, False: {1, 3}}


def test_evaluate_run_of_myocardium_without_epicardial_contour_scores_the_cavity(tmp_path):
    tree = write_small_tree(tmp_path / "tree", {"P1": "O1"})
    evaluation = evaluate_run(write_planted_run(tmp_path / "run", 150.0, wall=80.0), tree)
    assert evaluation.myocardium is None
    assert evaluation.scores.mean_dice > 0.9
