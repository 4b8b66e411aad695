"""Tests of all three losses."""

import inspect

import keras
import numpy as np
import pytest
from keras import ops

from keras_lvseg.losses import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE
from tests.losses.reference import value_and_gradient

LOSSES = [SparseSoftmaxCE, SparseSoftDice, SparseDiceCE]
MEANS = ["mean_with_sample_weight", "sum_over_batch_size", "mean"]
pytestmark = pytest.mark.parametrize("loss_class", LOSSES)


def case(shape=(3, 4, 5), classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, shape), rng.normal(0, 2, (*shape, classes)).astype("float32")


def test_loss_every_form_of_labels_gives_one_value(loss_class):
    labels, logits = case()
    loss = loss_class()
    expected = float(loss(labels, logits))
    for form in (
        labels[..., None],
        labels.astype("uint8"),
        labels.astype("float32"),
        labels.astype("int32")[..., None],
    ):
        assert float(loss(form, logits)) == expected
    binary, logits = case(classes=2)
    assert float(loss(binary.astype(bool), logits)) == float(loss(binary, logits))


@pytest.mark.parametrize("shape", [(3,), (3, 6), (2, 3, 4, 2)])
def test_loss_any_number_of_spatial_axes_gives_one_value(loss_class, shape):
    labels, logits = case(shape)
    expected = float(loss_class()(labels.reshape(len(labels), -1), logits.reshape(len(labels), -1, 3)))
    assert float(loss_class()(labels, logits)) == pytest.approx(expected, rel=1e-6)
    assert float(loss_class()(labels[..., None], logits, np.ones(len(labels)))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("labels", "logits", "weights"),
    [
        ((2, 4, 4), (2, 4, 4, 1), None),
        ((2, 4, 4, 2), (2, 4, 4, 2), None),
        ((2, 4, 4), (2, 4, 4), None),
        ((1, 4, 4), (2, 4, 4, 2), None),
        ((2, 5, 4), (2, 4, 5, 2), None),
        ((2, 4, 4), (2, 4, 4, 2), (4,)),
        ((2, 4, 4), (2, 4, 4, 2), (2, 1)),
        ((2, 4, 4), (2, 4, 4, 2), (2, 4, 4, 2)),
    ],
)
def test_loss_shapes_that_do_not_fit_raise(loss_class, labels, logits, weights):
    with pytest.raises(ValueError, match=r"Received: .*\.shape"):
        loss_class()(np.zeros(labels, int), np.zeros(logits, "float32"), None if weights is None else np.ones(weights))


@pytest.mark.parametrize("reduction", [*MEANS, "sum", "none", None])
@pytest.mark.parametrize("label", [-1, 3, 255])
def test_loss_label_outside_the_classes_is_nan(loss_class, label, reduction):
    labels, logits = case()
    labels[1, 2, 3] = label
    loss = loss_class(reduction=reduction)
    for weights in (None, np.zeros(3), np.array([1.0, 0.0, 1.0]), np.zeros(labels.shape)):
        assert np.isnan(ops.convert_to_numpy(loss(labels, logits, weights))).any()
    ignoring = loss_class(reduction=reduction, ignore_class=label)
    assert np.isfinite(ops.convert_to_numpy(ignoring(labels, logits))).all()


def test_loss_label_between_two_classes_is_nan(loss_class):
    labels, logits = case()
    for label in (0.5, np.nan):
        assert np.isnan(float(loss_class()(np.full(labels.shape, label, "float32"), logits)))


@pytest.mark.parametrize("reduction", [*MEANS, "sum"])
def test_loss_all_pixels_ignored_is_zero(loss_class, reduction):
    labels, logits = case()
    loss = loss_class(ignore_class=255, reduction=reduction)
    value, gradient = value_and_gradient(loss, np.full(labels.shape, 255), logits)
    assert value == 0.0
    assert (gradient == 0.0).all()


@pytest.mark.parametrize("ignore_class", [1, 255])
def test_loss_ignored_pixels_change_nothing(loss_class, ignore_class):
    labels, logits = case()
    labels[:, 1:3, 2] = ignore_class
    other = logits.copy()
    other[labels == ignore_class] += 7.0
    loss = loss_class(ignore_class=ignore_class)
    value, gradient = value_and_gradient(loss, labels, logits)
    assert float(loss(labels, other)) == float(loss(labels, logits)) == pytest.approx(value, rel=1e-6)
    assert (gradient[labels == ignore_class] == 0.0).all()
    assert float(loss(labels, logits, labels != ignore_class)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("size", [(4, 4), (3, 5)])
def test_loss_image_weights_with_as_many_images_as_columns_weight_images(loss_class, size):
    labels, logits = case((4, *size))
    loss = loss_class()
    expected = float(loss(labels[:2], logits[:2]))
    assert float(loss(labels, logits, np.array([1.0, 1.0, 0.0, 0.0]))) == pytest.approx(expected, rel=1e-6)


def test_loss_weight_of_two_equals_the_image_twice(loss_class):
    labels, logits = case()
    twice = [0, 1, 1, 2, 2, 2]
    for reduction in ("mean_with_sample_weight", "sum"):
        loss = loss_class(reduction=reduction)
        expected = float(loss(labels[twice], logits[twice]))
        assert float(loss(labels, logits, np.array([1.0, 2.0, 3.0]))) == pytest.approx(expected, rel=1e-6)
        assert float(loss(labels, logits, np.array([0.5, 1.0, 1.5]))) == pytest.approx(
            expected * (0.5 if reduction == "sum" else 1.0), rel=1e-6
        )


@pytest.mark.parametrize("shape", [(3,), (3, 4, 5), (3, 4, 5, 1)])
def test_loss_uniform_weights_change_no_mean(loss_class, shape):
    labels, logits = case()
    loss = loss_class()
    assert float(loss(labels, logits, np.full(shape, 0.25))) == pytest.approx(float(loss(labels, logits)), rel=1e-6)


def test_loss_reductions_agree_with_unreduced_values(loss_class):
    labels, logits = case()
    labels[0, 0] = 255
    weights = np.array([1.0, 2.0, 3.0])
    kwargs = {"ignore_class": 255}
    values = ops.convert_to_numpy(loss_class(reduction="none", **kwargs)(labels, logits, weights))
    assert values.shape == ((3,) if loss_class is SparseSoftDice else (3, 4, 5))
    total = float(loss_class(reduction="sum", **kwargs)(labels, logits, weights))
    if loss_class is not SparseDiceCE:  # its parts are reduced on their own
        assert total == pytest.approx(values.sum(), rel=1e-5)
        count = 3 if loss_class is SparseSoftDice else (labels != 255).sum()
        for reduction in ("mean", "sum_over_batch_size"):
            assert float(loss_class(reduction=reduction, **kwargs)(labels, logits, weights)) == pytest.approx(
                total / count, rel=1e-5
            )


@pytest.mark.parametrize("ignore_class", [None, 255])
def test_loss_call_gives_unreduced_values(loss_class, ignore_class):
    labels, logits = case()
    if ignore_class is not None:
        labels[0, 0] = ignore_class
    expected = ops.convert_to_numpy(loss_class(reduction="none", ignore_class=ignore_class)(labels, logits))
    for reduction in (*MEANS, "sum", "none"):
        loss = loss_class(reduction=reduction, ignore_class=ignore_class)
        values = ops.convert_to_numpy(loss.call(labels[..., None], logits))
        assert values.shape == expected.shape
        assert (values == expected).all()
    if loss_class is SparseSoftmaxCE and ignore_class is None:
        pixels = keras.losses.SparseCategoricalCrossentropy(from_logits=True).call(
            ops.convert_to_tensor(labels), ops.convert_to_tensor(logits)
        )
        np.testing.assert_allclose(values, ops.convert_to_numpy(pixels), rtol=1e-5, atol=1e-6)


def masked_case():
    """Labels, logits with a Keras mask, and the mask: a Masking layer excludes pixels whose logits are all 0."""
    labels, logits = case()
    mask = np.ones(labels.shape, bool)
    mask[0, 1:3] = mask[2] = False
    logits[~mask] = 0.0
    return labels, keras.layers.Masking()(ops.convert_to_tensor(logits)), logits, mask


@pytest.mark.parametrize("reduction", [*MEANS, "sum", "none"])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2.0, 3.0]), np.linspace(0, 1, 60).reshape(3, 4, 5)])
def test_loss_pixels_excluded_by_keras_mask_are_ignored(loss_class, reduction, weights):
    labels, masked_logits, logits, mask = masked_case()
    labels[2, 0, 0] = -1  # is no class, but ignored
    loss = loss_class(reduction=reduction, ignore_class=255)
    value = ops.convert_to_numpy(loss(labels, masked_logits, weights))
    expected = ops.convert_to_numpy(loss(np.where(mask, labels, 255), logits, weights))
    assert (value == expected).all()
    assert (ops.convert_to_numpy(loss(np.where(mask, labels, 0), logits, weights)) != expected).any()


def test_loss_keras_mask_in_evaluate_counts(loss_class):
    labels, _, logits, mask = masked_case()
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.Masking()(image))
    model.compile(loss=loss_class())
    value = model.evaluate(logits, labels[..., None], batch_size=3, verbose=0)
    assert value == pytest.approx(float(loss_class(ignore_class=255)(np.where(mask, labels, 255), logits)), rel=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_loss_half_precision_logits_do_not_overflow(loss_class, dtype):
    """Sums over 512 x 512 pixels overflow in float16, which ends at 65504."""
    labels = np.zeros((1, 512, 512), int)
    labels[:, 1:] = 1
    logits = ops.cast(np.where(np.eye(2, dtype=bool)[labels], 12.0, -12.0), dtype)
    for loss in (loss_class(), loss_class(dtype=dtype), loss_class(dtype=f"mixed_{dtype}")):
        value = loss(labels, logits)
        assert keras.backend.standardize_dtype(value.dtype) == "float32"
        assert 0 <= float(value) < 1e-6
    labels, logits = case()
    expected = float(loss_class()(labels, ops.cast(ops.cast(logits, dtype), "float32")))
    assert float(loss_class(dtype=dtype)(labels, ops.cast(logits, dtype))) == expected


@pytest.mark.parametrize("floatx", ["float16", "bfloat16", "float64"])
def test_loss_keras_floatx_changes_nothing(loss_class, floatx):
    labels, logits = case()
    expected = float(loss_class(ignore_class=255)(labels, logits))
    keras.config.set_floatx(floatx)
    try:
        value = loss_class(ignore_class=255)(labels, logits, np.ones(3))
    finally:
        keras.config.set_floatx("float32")
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("right", [True, False])
def test_loss_huge_logits_give_finite_gradient(loss_class, right):
    labels = np.arange(8).reshape(2, 4) % 2
    logits = np.where(np.eye(2, dtype=bool)[labels if right else 1 - labels], 1e4, -1e4)
    value, gradient = value_and_gradient(loss_class(), labels, logits)
    expected = {SparseSoftmaxCE: 2e4, SparseSoftDice: 1.0, SparseDiceCE: 2e4 + 1}[loss_class]
    assert value == pytest.approx(0.0 if right else expected, abs=1e-6)
    assert np.isfinite(gradient).all()


def test_loss_step_along_negative_gradient_decreases(loss_class):
    labels, logits = case()
    loss = loss_class()
    before, gradient = value_and_gradient(loss, labels, logits)
    for step in (1e-2, 1.0):
        assert float(loss(labels, logits - step * gradient / np.abs(gradient).max())) < before


def test_loss_empty_labels_have_a_useful_gradient(loss_class):
    """The gradient lowers the logits of the missing class at every pixel."""
    labels = np.zeros((2, 64, 64), int)
    logits = np.random.default_rng(0).normal(0, 1, (2, 64, 64, 2))
    value, gradient = value_and_gradient(loss_class(), labels, logits)
    assert 0.1 < value < 2.0
    assert (gradient[..., 1] > 0).all()
    assert gradient[..., 1].sum() > 0.1
    value, gradient = value_and_gradient(loss_class(), labels, np.where([True, False], 1e4, np.full_like(logits, -1e4)))
    assert value == 0.0
    assert np.isfinite(gradient).all()


def test_loss_no_images_is_zero(loss_class):
    """A replica may get no image of the last batch."""
    value = loss_class()(np.zeros((0, 4, 4), int), np.zeros((0, 4, 4, 2), "float32"), np.zeros(0))
    assert float(value) == 0.0


@pytest.mark.parametrize(
    "kwargs",
    [{"ignore_class": 1.5}, {"ignore_class": "void"}, {"reduction": "median"}, {"dtype": "float31"}],
)
def test_loss_invalid_argument_raises(loss_class, kwargs):
    with pytest.raises(ValueError, match=r"Received|Cannot convert"):
        loss_class(**kwargs)


@pytest.mark.parametrize(
    ("dtype", "in_config"),
    [
        (None, "float32"),
        ("float16", "float16"),
        (keras.DTypePolicy("mixed_bfloat16"), "mixed_bfloat16"),
    ],
)
def test_loss_config_round_trip_is_equal(loss_class, dtype, in_config):
    loss = loss_class(ignore_class=255, reduction="sum", name="mine", dtype=dtype)
    config = loss.get_config()
    assert config["dtype"] == in_config
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(revived) is loss_class
    assert revived.get_config() == config
    assert set(dir(revived)) == set(dir(loss))
    assert loss_class.from_config(config).get_config() == config


def test_loss_config_has_every_argument(loss_class):
    assert set(inspect.signature(loss_class).parameters) == set(loss_class().get_config())


def test_loss_in_fit_with_weights_equals_the_call(loss_class):
    labels, images = case(classes=2)
    image = keras.Input((None, None, 2))
    model = keras.Model(image, keras.layers.Conv2D(2, 1, kernel_initializer="ones", use_bias=False)(image))
    logits = images.sum(-1, keepdims=True).repeat(2, -1)
    weights = np.array([1.0, 0.0, 2.0])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=loss_class())
    history = model.fit(images, labels[..., None], sample_weight=weights, batch_size=3, verbose=0)
    assert history.history["loss"] == pytest.approx([float(loss_class()(labels, logits, weights))], rel=1e-5)
