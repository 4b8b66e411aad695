import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.losses import SparseSoftmaxCE
from tests.losses.reference import cross_entropy

SHAPE, CLASSES = (2, 3, 4), 3
labels_or_void = arrays("int64", SHAPE, elements=st.sampled_from([0, 1, 2, 255]))
some_logits = arrays("float32", (*SHAPE, CLASSES), elements=st.floats(-20, 20, width=32))
class_weight_lists = st.none() | st.lists(st.floats(0.125, 8, width=32), min_size=CLASSES, max_size=CLASSES)


@given(labels_or_void, some_logits, class_weight_lists, st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_sparse_softmax_ce_agrees_with_torch(labels, logits, class_weights, label_smoothing):
    torch = pytest.importorskip("torch", reason="torch is the reference of the loss")
    if (labels == 255).all():
        labels[0, 0, 0] = 1  # torch's mean over nothing is NaN
    loss = SparseSoftmaxCE(class_weights=class_weights, label_smoothing=label_smoothing, ignore_class=255)
    for reduction in ("mean", "sum", "none"):
        loss.reduction = "mean_with_sample_weight" if reduction == "mean" else reduction
        expected = torch.nn.functional.cross_entropy(
            torch.from_numpy(np.moveaxis(logits, -1, 1)),
            torch.from_numpy(labels),
            weight=None if class_weights is None else torch.tensor(class_weights),
            ignore_index=255,
            label_smoothing=label_smoothing,
            reduction=reduction,
        ).numpy()
        np.testing.assert_allclose(ops.convert_to_numpy(loss(labels, logits)), expected, rtol=2e-6, atol=1e-6)


@given(
    labels_or_void, some_logits, class_weight_lists, arrays("float32", SHAPE, elements=st.floats(0.125, 4, width=32))
)
def test_sparse_softmax_ce_agrees_with_numpy_pixel_by_pixel(labels, logits, class_weights, weights):
    labels[0, 0, 0] = 1
    kwargs = {"class_weights": class_weights, "label_smoothing": 0.2, "ignore_class": 255}
    expected = cross_entropy(labels, logits, weights=weights, **kwargs)
    assert float(SparseSoftmaxCE(**kwargs)(labels, logits, weights)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_sparse_softmax_ce_agrees_with_tensorflow():
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is the reference of the loss")
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, (4, 32, 32)), rng.normal(0, 5, (4, 32, 32, 2)).astype("float32")
    pixels = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits).numpy()
    np.testing.assert_allclose(
        ops.convert_to_numpy(SparseSoftmaxCE(reduction="none")(labels, logits)), pixels, atol=2e-6
    )
    for reduction in ("mean_with_sample_weight", "sum_over_batch_size", "mean"):
        assert float(SparseSoftmaxCE(reduction=reduction)(labels, logits)) == pytest.approx(pixels.mean(), rel=1e-6)


def test_sparse_softmax_ce_class_weight_of_zero_leaves_the_class_out():
    labels, logits = np.array([[0, 1]]), np.array([[[0.0, 0.0], [3.0, 0.0]]], "float32")
    only_first = SparseSoftmaxCE(class_weights=(1.0, 0.0))
    assert float(only_first(labels, logits)) == pytest.approx(np.log(2))
    assert float(only_first(labels[:, 1:], logits[:, 1:])) == 0.0


def test_sparse_softmax_ce_impossible_class_costs_only_where_it_is_the_label():
    logits = np.array([[[0.0, -np.inf], [0.0, 0.0]]], "float32")
    assert float(SparseSoftmaxCE()([[0, 0]], logits)) == pytest.approx(np.log(2) / 2)
    assert float(SparseSoftmaxCE()([[1, 0]], logits)) == np.inf
    assert float(SparseSoftmaxCE()([[1, 0]], logits, [[0.0, 1.0]])) == pytest.approx(np.log(2))
    assert float(SparseSoftmaxCE(ignore_class=1)([[1, 0]], logits)) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"class_weights": (1.0, -1.0)},
        {"class_weights": (1.0, float("nan"))},
        {"class_weights": (1.0, float("inf"))},
        {"class_weights": ("a", "b")},
        {"label_smoothing": -0.1},
        {"label_smoothing": 1.1},
        {"label_smoothing": None},
    ],
)
def test_sparse_softmax_ce_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match="Received"):
        SparseSoftmaxCE(**kwargs)


def test_sparse_softmax_ce_wrong_number_of_class_weights_raises():
    with pytest.raises(
        ValueError, match=r"each of the 2 classes of the logits. Received: class_weights=\(1.0, 2.0, 3.0\)"
    ):
        SparseSoftmaxCE(class_weights=(1, 2, 3))([[0]], [[[0.0, 0.0]]])
