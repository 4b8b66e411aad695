import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.losses import SparseSoftDice
from tests.losses.reference import soft_dice

SHAPE, CLASSES = (2, 3, 4), 3


@given(
    arrays("int64", SHAPE, elements=st.sampled_from([0, 1, 2, 255])),
    arrays("float32", (*SHAPE, CLASSES), elements=st.floats(-20, 20, width=32)),
    arrays("float32", SHAPE, elements=st.sampled_from([0.0, 0.5, 2.0])),
    st.booleans(),
)
def test_sparse_soft_dice_agrees_with_numpy_image_by_image(labels, logits, weights, include_background):
    kwargs = {"include_background": include_background, "ignore_class": 255}
    classes = range(0 if include_background else 1, CLASSES)
    expected = soft_dice(labels, logits, classes, ignore_class=255, weights=weights)
    values = SparseSoftDice(reduction="none", **kwargs)(labels, logits, weights)
    np.testing.assert_allclose(ops.convert_to_numpy(values), np.nan_to_num(expected), atol=2e-6)
    mean = np.nanmean(expected) if np.isfinite(expected).any() else 0.0
    for reduction in ("mean_with_sample_weight", "mean"):
        loss = SparseSoftDice(reduction=reduction, **kwargs)
        assert float(loss(labels, logits, weights)) == pytest.approx(mean, abs=2e-6)

    whole = soft_dice(labels.reshape(1, -1), logits.reshape(1, -1, 3), classes, 255, weights.reshape(1, -1))
    loss = SparseSoftDice(average="batch", **kwargs)
    assert float(loss(labels, logits, weights)) == pytest.approx(np.nan_to_num(whole)[0], abs=2e-6)


def test_sparse_soft_dice_hard_prediction_is_1_minus_dice():
    labels = np.array([[1, 1, 0, 0]])
    logits = np.where(np.eye(2, dtype=bool)[[[1, 0, 1, 0]]], 50.0, -50.0)
    assert float(SparseSoftDice()(labels, logits)) == pytest.approx(1 - 2 * 1 / (2 + 2))
    assert float(SparseSoftDice()(labels * 0, logits)) == pytest.approx(2 / 4)  # the share that is claimed


def test_sparse_soft_dice_batch_average_weights_images():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, (3, 8)), rng.normal(size=(3, 8, 2)).astype("float32")
    loss = SparseSoftDice(average="batch")
    expected = float(loss(labels[[0, 2, 2]], logits[[0, 2, 2]]))
    assert float(loss(labels, logits, np.array([1.0, 0.0, 2.0]))) == pytest.approx(expected, rel=1e-6)
    assert ops.convert_to_numpy(SparseSoftDice(average="batch", reduction="none")(labels, logits)).shape == (1,)


@pytest.mark.parametrize("average", ["dataset", None, 1])
def test_sparse_soft_dice_invalid_argument_raises(average):
    with pytest.raises(ValueError, match="Received: average="):
        SparseSoftDice(average=average)
