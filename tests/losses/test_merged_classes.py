"""Tests of partial labels: a label that stands for one of several classes."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.losses import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE
from tests.losses.reference import log_softmax, value_and_gradient

SHAPE, CLASSES, MERGED = (2, 3, 4), 3, {3: (0, 2)}
few = settings(max_examples=30, deadline=None)
partial_labels = arrays("int64", SHAPE, elements=st.sampled_from([0, 1, 2, 3, 255]))
some_logits = arrays("float32", (*SHAPE, CLASSES), elements=st.floats(-20, 20, width=32))
some_weights = arrays("float32", SHAPE, elements=st.sampled_from([0.0, 0.5, 2.0]))


@few
@given(partial_labels, some_logits, some_weights, st.sampled_from([None, (1.0, 3.0, 0.5)]))
def test_sparse_softmax_ce_merged_label_agrees_with_numpy_pixel_by_pixel(labels, logits, weights, class_weights):
    probability, given = np.exp(log_softmax(logits)), class_weights or (1.0, 1.0, 1.0)
    total = divisor = 0.0
    for place in np.ndindex(SHAPE):
        if labels[place] != 255:
            members = MERGED.get(labels[place], (labels[place],))
            weight = weights[place] * np.mean([given[c] for c in members])
            total -= weight * np.log(sum(probability[place][c] for c in members))
            divisor += weight
    loss = SparseSoftmaxCE(class_weights, merged_classes=MERGED, ignore_class=255)
    assert float(loss(labels, logits, weights)) == pytest.approx(total / (divisor or 1), rel=1e-5, abs=1e-6)


@few
@given(partial_labels, some_logits, some_weights, st.booleans())
def test_sparse_soft_dice_merged_label_agrees_with_numpy_image_by_image(labels, logits, weights, include_background):
    probability, expected = np.exp(log_softmax(logits)), []
    for i in range(len(labels)):
        used = weights[i] * (labels[i] != 255)
        losses = []
        for c in range(0 if include_background else 1, CLASSES):
            own = used * (labels[i] != 3) if c in MERGED[3] else used
            p, t = probability[i, ..., c], labels[i] == c
            if (own * t).sum() > 0:
                losses.append(1 - 2 * (own * p * t).sum() / (own * (p + t)).sum())
            else:
                losses.append((own * p).sum() / (own.sum() or 1))
        if used.sum():
            expected.append(np.mean(losses))
    loss = SparseSoftDice(merged_classes=MERGED, ignore_class=255, include_background=include_background)
    assert float(loss(labels, logits, weights)) == pytest.approx(np.mean(expected or [0]), abs=2e-6)


def test_sparse_dice_ce_merged_label_is_the_sum_of_the_two_losses():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 4, SHAPE), rng.normal(size=(*SHAPE, CLASSES)).astype("float32")
    parts = [loss(merged_classes=MERGED)(labels, logits) for loss in (SparseSoftDice, SparseSoftmaxCE)]
    assert float(SparseDiceCE(merged_classes=MERGED)(labels, logits)) == pytest.approx(sum(map(float, parts)))


@pytest.mark.parametrize("loss_class", [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE])
def test_loss_merged_label_cares_only_for_the_sum_of_its_classes(loss_class):
    labels = np.array([[1, 1, 3, 3]])
    logits = np.array([[[0.0, 1, 0], [0, 2, 0], [1, 0, 3], [3, 0, 1]]], "float32")
    swapped = logits.copy()
    swapped[:, 2:] = logits[:, 2:, [2, 1, 0]]
    loss = loss_class(merged_classes=MERGED)
    value, gradient = value_and_gradient(loss, labels, logits)
    assert value_and_gradient(loss, labels, swapped)[0] == pytest.approx(value, rel=1e-6)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0.01
    # Class 1 becomes less likely at merged pixels.
    assert (gradient[:, 2:, 1] > 0).all()


@pytest.mark.parametrize("loss_class", [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE])
def test_loss_without_a_merged_pixel_is_the_loss_of_whole_labels(loss_class):
    rng = np.random.default_rng(1)
    labels, logits = rng.integers(0, 3, SHAPE), rng.normal(size=(*SHAPE, CLASSES)).astype("float32")
    value, gradient = value_and_gradient(loss_class(), labels, logits)
    merged = value_and_gradient(loss_class(merged_classes=MERGED), labels, logits)
    assert merged[0] == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(merged[1], gradient, atol=1e-6)


@pytest.mark.parametrize("loss_class", [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE])
def test_loss_ignored_pixels_beside_merged_ones_have_a_finite_gradient(loss_class):
    labels = np.array([[255, 3, 255, 1]])
    loss = loss_class(merged_classes=MERGED, ignore_class=255)
    value, gradient = value_and_gradient(loss, labels, np.zeros((1, 4, 3), "float32"))
    assert np.isfinite([value, *gradient.ravel()]).all()
    assert not gradient[:, [0, 2]].any()
    assert np.isnan(float(loss_class(merged_classes=MERGED)(labels, np.zeros((1, 4, 3), "float32"))))


@pytest.mark.parametrize("loss_class", [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE])
def test_loss_merged_classes_survive_saving(loss_class):
    loss = loss_class(merged_classes={3: [0, 2]})
    saved = keras.saving.serialize_keras_object(loss)
    saved["config"]["merged_classes"] = {"3": [0, 2]}  # as JSON gives it back
    again = keras.saving.deserialize_keras_object(saved)
    labels, logits = np.array([[0, 1, 3]]), np.eye(3, dtype="float32")[None]
    assert ops.convert_to_numpy(again(labels, logits)) == ops.convert_to_numpy(loss(labels, logits))
    assert again.get_config()["merged_classes"] == MERGED


@pytest.mark.parametrize("loss_class", [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE])
@pytest.mark.parametrize("merged", [{3: (0,)}, {3: (0, 0)}, {-1: (0, 1)}, {3: (0, -2)}, {"x": (0, 2)}, {3: (0.5, 2)}])
def test_loss_invalid_merged_classes_raise(loss_class, merged):
    with pytest.raises(ValueError, match="Received: merged_classes="):
        loss_class(merged_classes=merged)


@pytest.mark.parametrize("merged", [{2: (0, 1)}, {4: (0, 3)}])
def test_loss_merged_classes_that_do_not_fit_the_logits_raise(merged):
    with pytest.raises(ValueError, match="the number of classes of the logits, 3"):
        SparseDiceCE(merged_classes=merged)(np.zeros((1, 4), int), np.zeros((1, 4, 3), "float32"))
