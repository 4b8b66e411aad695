from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from keras_lvseg.data import SAXDataset
from keras_lvseg.evaluation import score_masks


@pytest.fixture(scope="module")
def frames(phantom_tree):
    patients = SAXDataset(phantom_tree).patients
    return [*patients[0].frames[:4], *patients[1].frames[:3]]


def exact_dice(pairs):
    overlap = sum(int((label & mask).sum()) for label, mask in pairs)
    return float(Fraction(2 * overlap, sum(int(label.sum() + mask.sum()) for label, mask in pairs)))


def test_score_masks_gives_exact_fractions_by_image_by_patient_and_overall(frames):
    random = np.random.default_rng(0)
    # Frames of two sizes, as two scanners give.
    shapes = [(20, 30)] * 4 + [(25, 16)] * 3
    frames = [replace(frame, rows=rows, columns=columns) for frame, (rows, columns) in zip(frames, shapes, strict=True)]
    labels = [random.random(shape) < 0.3 for shape in shapes]
    masks = [label ^ (random.random(label.shape) < 0.1) for label in labels]
    as_classes = [[mask.astype(np.uint8) for mask in side] for side in (labels, masks)]
    scores = score_masks(frames, labels=as_classes[0], masks=as_classes[1], roles={frames[0].patient_id: "test"})

    pairs = list(zip(labels, masks, strict=True))
    assert [image.dice for image in scores.images] == [exact_dice([p]) for p in pairs]
    assert [(p.patient_id, p.role, p.images) for p in scores.patients] == [
        (frames[0].patient_id, "test", 4),
        (frames[4].patient_id, "new", 3),
    ]
    for patient, own in zip(scores.patients, (pairs[:4], pairs[4:]), strict=True):
        assert patient.mean_dice == pytest.approx(np.mean([exact_dice([pair]) for pair in own]))
        assert patient.pooled_dice == exact_dice(own)
    assert scores.mean_dice == pytest.approx(np.mean([exact_dice([pair]) for pair in pairs]))
    assert scores.pooled_dice == exact_dice(pairs)


def test_score_masks_with_an_empty_mask_on_a_label_gives_zero(frames):
    label, nothing = np.ones((8, 8), np.uint8), np.zeros((8, 8), np.uint8)
    scores = score_masks(frames[:2], labels=[label, label], masks=[label, nothing])
    assert [image.dice for image in scores.images] == [1, 0]
    assert scores.mean_dice == 0.5
