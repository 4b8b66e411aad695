from fractions import Fraction

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras import ops

from keras_lvseg.losses import SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient

BACKEND = keras.backend.backend()
SHAPE = (3, 4, 5)
masks = arrays("uint8", SHAPE, elements=st.integers(0, 1))
label_maps = arrays("uint8", SHAPE, elements=st.integers(0, 3))


def dice(y_true, y_pred, sample_weight=None, **kwargs) -> float:
    metric = DiceCoefficient(**kwargs)
    metric.update_state(y_true, y_pred, sample_weight)
    return float(metric.result())


def exact_total(metric) -> list[float]:
    """Return the sums of the metric in float64."""
    high, low, rest = metric.sums.numpy().astype("float64").T
    return list(high * 65536 + low + rest)


def reference(truth, predicted, weights=None) -> list[Fraction | None]:
    """Return the coefficient of each image as an exact fraction, None if both masks are empty."""
    weights = np.ones(truth.shape, int) if weights is None else weights
    scores = []
    for t, p, w in zip(truth, predicted, weights, strict=True):
        shared, both = int((w * (t & p)).sum()), int((w * t).sum() + (w * p).sum())
        scores.append(Fraction(2 * shared, both) if both else None)
    return scores


def mean(scores) -> float:
    return float(sum(scores) / len(scores))


def random_case(seed=0, images=10, size=16):
    """Return masks from empty to half full, and predictions with a tenth of the pixels wrong."""
    rng = np.random.default_rng(seed)
    share = np.linspace(0, 0.5, images)[:, None, None]
    truth = (rng.random((images, size, size)) < share).astype("uint8")
    wrong = (rng.random(truth.shape) < 0.1) & (np.arange(images)[:, None, None] > 1)
    return truth, truth ^ wrong.astype("uint8")


def logits_of(predicted, classes=2):
    rng = np.random.default_rng(1)
    return (rng.uniform(0, 1, (*predicted.shape, classes)) + 2 * np.eye(classes)[predicted]).astype("float32")


# Values


@given(masks, masks)
def test_dice_random_masks_equals_the_exact_fraction(truth, predicted):
    scores = reference(truth, predicted)
    assert dice(truth, predicted) == pytest.approx(mean([1 if s is None else s for s in scores]), abs=1e-7)
    scored = [s for s in scores if s is not None]
    if scored:
        assert dice(truth, predicted, empty_score=None) == pytest.approx(mean(scored), abs=1e-7)
    pooled = reference(truth.reshape(1, -1), predicted.reshape(1, -1))[0]
    assert dice(truth, predicted, average="dataset") == pytest.approx(float(1 if pooled is None else pooled), abs=1e-7)


@given(label_maps, arrays("float32", (*SHAPE, 4), elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0])), st.integers(0, 3))
def test_dice_equal_scores_are_read_like_argmax(labels, scores, class_id):
    predicted = scores.argmax(-1)
    expected = dice(labels, predicted.astype("int32"), class_id=class_id)
    assert dice(labels, scores, class_id=class_id) == expected
    assert expected == pytest.approx(
        mean([1 if s is None else s for s in reference(labels == class_id, predicted == class_id)]), abs=1e-7
    )


@pytest.mark.parametrize("class_id", [0, 1])
def test_dice_nan_score_is_of_no_class(class_id):
    nan = float("nan")
    scores = np.array([[[nan, 1.0], [1.0, nan], [nan, nan], [0.0, 1.0], [1.0, 0.0]]], "float32")
    labels = np.full((1, 5), class_id)
    assert dice(labels, scores, class_id=class_id) == pytest.approx(2 * 1 / (1 + 5))
    one_channel = np.array([[nan, 1.0, 0.0]], "float32")
    assert dice(labels[:, :3], one_channel, class_id=class_id, threshold=0.5) == pytest.approx(2 * 1 / (1 + 3))


def test_dice_nan_score_of_three_classes_is_of_no_class():
    nan = float("nan")
    scores = np.array([[[nan, 2.0, 1.0], [0.0, 2.0, nan], [0.0, 2.0, 1.0]]], "float32")
    assert dice([[1, 1, 1]], scores) == pytest.approx(2 * 1 / (1 + 3))


def test_dice_every_form_of_labels_and_prediction_scores_the_same():
    truth, predicted = random_case()
    logits = logits_of(predicted)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    margin = logits[..., 1] - logits[..., 0]
    one_hot = np.eye(2, dtype="uint8")
    expected = dice(truth, predicted)
    assert 0.3 < expected < 1
    for labels in (truth, truth[..., None], truth.astype(bool), truth.astype("float32"), truth.astype("int64")):
        assert dice(labels, predicted) == expected
        assert dice(labels, predicted[..., None].astype("int32")) == expected
        assert dice(labels, predicted.astype(bool)) == expected
        assert dice(labels, logits) == expected
        assert dice(labels, probabilities) == expected
        assert dice(labels, logits.astype("float16")) == expected
        assert dice(labels, margin, threshold=0.0) == expected
        assert dice(labels, 1 / (1 + np.exp(-margin[..., None])), threshold=0.5) == expected
    for form in (one_hot[truth], one_hot[truth].astype(bool), one_hot[truth].astype("float32")):
        assert dice(form, logits, sparse_y_true=False) == expected
        assert dice(form, one_hot[predicted].astype("float32"), sparse_y_true=False) == expected
        assert dice(form, predicted, sparse_y_true=False) == expected
        assert dice(form, predicted[..., None], sparse_y_true=False) == expected
        assert dice(form, margin, sparse_y_true=False, threshold=0.0) == expected


def test_dice_one_channel_of_scores_scores_class_0():
    truth, predicted = random_case()
    scores = predicted.astype("float32") - 0.5
    assert dice(truth, scores, threshold=0.0, class_id=0) == dice(truth, predicted, class_id=0)
    assert dice(truth, scores, threshold=0.0, class_id=0) == dice(1 - truth, 1 - predicted)
    assert dice([[1]], [[0.0]], threshold=0.0) == 0.0  # a score has to exceed the threshold


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 6), (2, 3, 4, 5)])
def test_dice_any_number_of_spatial_axes_is_accepted(shape):
    predicted = np.random.default_rng(0).integers(0, 2, shape)
    logits = logits_of(predicted)
    assert dice(predicted, logits) == 1.0
    assert dice(predicted[..., None], logits) == 1.0
    assert dice(predicted, predicted[..., None]) == 1.0
    assert dice(predicted, predicted, np.ones(shape[0])) == 1.0


# Shapes that do not fit


@pytest.mark.parametrize(
    ("y_true", "y_pred", "kwargs", "says"),
    [
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4, 1)), {}, "threshold"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4)), {}, "threshold"),
        (np.zeros((2, 4, 4, 1), int), np.zeros((2, 4, 4, 1)), {}, "threshold"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4, 2)), {"threshold": 0.5}, "threshold"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4), int), {"threshold": 0.5}, "threshold"),
        (np.zeros((2, 4, 4, 2), int), np.zeros((2, 4, 4, 2)), {}, "(2, 4, 4, 2)"),
        (np.zeros((2, 4, 1), int), np.zeros((2, 4, 4, 2)), {}, "(2, 4, 1)"),
        (np.zeros((1, 4, 4), int), np.zeros((2, 4, 4, 2)), {}, "(1, 4, 4)"),
        (np.zeros((2, 5, 4), int), np.zeros((2, 4, 5, 2)), {}, "(2, 5, 4)"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 1, 4), int), {}, "(2, 1, 4)"),
        (np.zeros((2, 4), int), np.zeros((2, 4, 4), int), {}, "(2, 4)"),
        (np.zeros((2, 4, 4, 3), int), np.zeros((2, 4, 4, 2)), {"sparse_y_true": False}, "(2, 4, 4, 3)"),
        (np.zeros((2, 4, 4, 1), int), np.zeros((2, 4, 4, 1)), {"sparse_y_true": False}, "(2, 4, 4, 1)"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4, 2)), {"sparse_y_true": False}, "(2, 4, 4)"),
        (np.zeros((2, 4, 4, 2), int), np.zeros((2, 4, 1), int), {"sparse_y_true": False}, "(2, 4, 1)"),
        (np.zeros((2, 4, 4), int), np.zeros((2, 4, 4, 2)), {"class_id": 2}, "class_id=2"),
        (np.zeros((2, 4, 4, 2), int), np.zeros((2, 4, 4), int), {"class_id": 2, "sparse_y_true": False}, "class_id=2"),
        (
            np.zeros((2, 4, 4, 2), int),
            np.zeros((2, 4, 4, 2)),
            {"ignore_class": 255, "sparse_y_true": False},
            "ignore_class=255",
        ),
    ],
)
def test_dice_shapes_that_do_not_fit_raise(y_true, y_pred, kwargs, says):
    if y_pred.dtype == float:
        y_pred = y_pred.astype("float32")
    with pytest.raises(ValueError, match="Received") as error:
        dice(y_true, y_pred, **kwargs)
    assert says in str(error.value)


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 1), (2, 4), (2, 4, 1), (2, 4, 4, 2), (1, 4, 4), ()])
def test_dice_weights_that_do_not_fit_raise(shape):
    labels = np.zeros((2, 4, 4), int)
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        dice(labels, labels, np.ones(shape))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"class_id": -1},
        {"class_id": 1.0},
        {"class_id": True},
        {"average": "macro"},
        {"empty_score": 2.0},
        {"empty_score": "skip"},
        {"class_id": 2, "threshold": 0.5},
        {"ignore_class": 1},
        {"ignore_class": 255.0},
        {"class_id": 0, "ignore_class": 0},
    ],
)
def test_dice_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match="Received"):
        DiceCoefficient(**kwargs)


# Empty masks, ignored pixels, weights

HIT, MISS, FALSE_ALARM, NOTHING = ([1, 0], [1, 0]), ([1, 0], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [0, 0])


@pytest.mark.parametrize("average", ["image", "dataset"])
@pytest.mark.parametrize("empty_score", [1.0, 0.0, 0.5, None])
def test_dice_empty_masks_give_the_empty_score(empty_score, average):
    kwargs = {"empty_score": empty_score, "average": average}
    for (label, prediction), expected in ((HIT, 1.0), (MISS, 0.0), (FALSE_ALARM, 0.0), (NOTHING, empty_score)):
        assert dice([label], [prediction], **kwargs) == pytest.approx(
            np.nan if expected is None else expected, nan_ok=True
        )
    labels, predictions = zip(HIT, FALSE_ALARM, NOTHING, strict=True)
    expected = {"image": 0.5 if empty_score is None else (1 + empty_score) / 3, "dataset": 2 / 3}[average]
    assert dice(labels, predictions, **kwargs) == pytest.approx(expected)


@pytest.mark.parametrize("average", ["image", "dataset"])
def test_dice_without_images_is_nan(average):
    metric = DiceCoefficient(average=average)
    assert np.isnan(float(metric.result()))
    metric.update_state([[0, 1]], [[0, 1]], [0.0])
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize("average", ["image", "dataset"])
@pytest.mark.parametrize("empty_score", [1.0, 0.0, None])
def test_dice_ignored_and_weightless_images_are_left_out(empty_score, average):
    kwargs = {"ignore_class": 255, "empty_score": empty_score, "average": average}
    labels = [[1, 1, 0], [255, 255, 255], [0, 0, 0], [1, 255, 0]]
    predictions = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0]]
    present = dice([labels[0], labels[3]], [predictions[0], predictions[3]], **kwargs)
    assert present == pytest.approx({"image": (2 / 3 + 1) / 2, "dataset": 4 / 5}[average])
    assert dice(labels, predictions, [1, 1, 0, 1], **kwargs) == present
    pixel_weights = np.ones((4, 3))
    pixel_weights[2] = 0
    assert dice(labels, predictions, pixel_weights, **kwargs) == present


@pytest.mark.parametrize("average", ["image", "dataset"])
@pytest.mark.parametrize("shape", [(10,), (10, 16, 16), (10, 16, 16, 1)])
def test_dice_uniform_weight_changes_nothing(shape, average):
    truth, predicted = random_case()
    plain = dice(truth, predicted, average=average)
    for weight in (0.5, 3.0, 1e-6, 1e6):
        assert dice(truth, predicted, np.full(shape, weight), average=average) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("average", ["image", "dataset"])
def test_dice_weights_of_images_and_pixels_equal_the_exact_fraction(average):
    truth, predicted = random_case()
    weights = np.random.default_rng(2).integers(0, 5, truth.shape)
    scores = reference(truth, predicted, weights)
    expected = mean([1 if s is None else s for s in scores])
    if average == "dataset":
        expected = float(reference(truth.reshape(1, -1), predicted.reshape(1, -1), weights.reshape(1, -1))[0])
    assert dice(truth, predicted, weights, average=average) == pytest.approx(expected, abs=1e-7)
    assert dice(truth, predicted, (truth == predicted).astype("float32"), average=average) == 1.0

    of_images = np.arange(10)
    repeated = np.repeat(np.arange(10), of_images)
    assert dice(truth, predicted, of_images, average=average) == pytest.approx(
        dice(truth[repeated], predicted[repeated], average=average), abs=1e-7
    )


def test_dice_as_many_images_as_columns_weights_images():
    labels = np.array([[1, 0], [1, 1]])
    predictions = np.array([[1, 0], [0, 1]])
    assert dice(labels, predictions, np.array([1.0, 0.0])) == 1.0
    assert dice(labels, predictions, np.array([0.0, 1.0])) == pytest.approx(2 / 3)


def test_dice_one_hot_labels_with_ignored_class_equal_integer_labels():
    labels, predictions = np.array([[0, 1, 2, 1]]), np.array([[0, 1, 1, 2]])
    expected = dice(labels, predictions, ignore_class=2)
    assert expected == pytest.approx(2 / 3)
    assert dice(np.eye(3)[labels], predictions, ignore_class=2, sparse_y_true=False) == expected


# State


@pytest.mark.parametrize("average", ["image", "dataset"])
def test_dice_batch_size_order_and_merging_change_no_bit(average):
    truth, predicted = random_case()
    whole = dice(truth, predicted, average=average)

    def updated(order, batch_size):
        metric = DiceCoefficient(average=average)
        for i in range(0, len(order), batch_size):
            part = order[i : i + batch_size]
            metric.update_state(truth[part], predicted[part])
        return metric

    for batch_size in (1, 3, 4, 10):
        assert float(updated(np.arange(10), batch_size).result()) == whole
        assert float(updated(np.arange(10)[::-1], batch_size).result()) == whole
    merged, other = updated(np.arange(4), 3), updated(np.arange(4, 10), 2)
    for mine, theirs in zip(merged.variables, other.variables, strict=True):
        mine.assign(mine + theirs)
    if average == "dataset":  # whole numbers are merged exactly, fractions are rounded to float32
        assert float(merged.result()) == whole
    assert float(merged.result()) == pytest.approx(whole, abs=2e-7)
    merged.reset_state()
    assert np.isnan(float(merged.result()))


def test_dice_counts_above_float32_range_are_exact():
    size = 2**24 + 3
    truth = np.ones((1, size), "uint8")
    predicted = truth.copy()
    predicted[0, :3] = 0
    metric = DiceCoefficient(average="dataset")
    for _ in range(3):
        metric.update_state(truth, predicted)
    assert exact_total(metric) == [2 * 3 * 2**24, 3 * (2 * size - 3), 3]
    metric.update_state(truth[:, :5], predicted[:, :5])
    assert exact_total(metric) == [2 * 3 * 2**24 + 4, 3 * (2 * size - 3) + 7, 4]

    # as after two million such updates, and then merged with another
    metric.sums.assign([[2.0**23 + 1, 32767.0, 0.0], [2.0**23 + 1, 32767.0, 0.0], [0.0, 7.0, 0.0]])
    metric.update_state(truth[:, -1:], predicted[:, -1:])
    other = DiceCoefficient(average="dataset")
    other.update_state(truth[:, -1:], predicted[:, -1:])
    metric.sums.assign(metric.sums + other.sums)
    count = (2**23 + 1) * 65536 + 32767
    assert exact_total(metric) == [count + 4, count + 4, 9]
    assert float(metric.result()) == 1.0


def test_dice_fractional_weights_do_not_drift():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 2, (2, 5, 40))
    metric = DiceCoefficient(average="dataset")
    # so large that a plain float32 sum would lose the terms added here
    metric.sums.assign([[2.0**10, 0.0, 0.0], [2.0**11, 0.0, 0.0], [0.0, 0.0, 0.0]])
    before = exact_total(metric)
    weights = rng.uniform(0, 1e-2, truth.shape).astype("float32")
    for _ in range(20):
        metric.update_state(truth, predicted, weights)
    shared, both, _ = np.subtract(exact_total(metric), before)
    exact = weights.astype("float64")
    assert shared == pytest.approx(20 * 2 * (exact * truth * predicted).sum(), rel=1e-6)
    assert both == pytest.approx(20 * (exact * (truth + predicted)).sum(), rel=1e-6)


@pytest.mark.parametrize("dtype", [None, "float16", "bfloat16", "mixed_float16"])
def test_dice_state_under_every_policy_is_float32(dtype):
    truth, predicted = random_case()
    metric = DiceCoefficient(dtype=dtype)
    metric.update_state(truth, predicted)
    assert {keras.backend.standardize_dtype(v.dtype) for v in metric.variables} == {"float32"}
    assert keras.backend.standardize_dtype(metric.result().dtype) == "float32"
    assert float(metric.result()) == dice(truth, predicted)


@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_dice_keras_floatx_changes_nothing(floatx):
    truth, predicted = random_case()
    expected = dice(truth, predicted, ignore_class=255)
    keras.config.set_floatx(floatx)
    try:
        metric = DiceCoefficient(ignore_class=255)
        metric.update_state(truth, predicted, np.ones(10))
        assert keras.backend.standardize_dtype(metric.result().dtype) == "float32"
    finally:
        keras.config.set_floatx("float32")
    assert float(metric.result()) == expected


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_dice_perfect_half_precision_prediction_is_1(dtype):
    truth = np.zeros((2, 512, 512), "uint8")
    truth[:, 1:, 1:] = 1
    logits = ops.cast(np.where(np.eye(2, dtype=bool)[truth], 10.0, -10.0), dtype)
    for average in ("image", "dataset"):
        assert dice(truth, logits, average=average) == 1.0


def test_dice_state_survives_saving():
    truth, predicted = random_case()
    metric, store = DiceCoefficient(), {}
    metric.update_state(truth[:5], predicted[:5])
    metric.save_own_variables(store)
    revived = DiceCoefficient.from_config(metric.get_config())
    revived.load_own_variables(store)
    for each in (metric, revived):
        each.update_state(truth[5:], predicted[5:])
    assert float(revived.result()) == float(metric.result()) == pytest.approx(dice(truth, predicted), abs=1e-7)


def test_dice_config_round_trip_is_equal():
    kwargs = {
        "class_id": 0,
        "average": "dataset",
        "empty_score": None,
        "threshold": 0.5,
        "ignore_class": 255,
        "sparse_y_true": False,
        "name": "background",
        "dtype": "float16",
    }
    metric = DiceCoefficient(**kwargs)
    assert metric.get_config() == kwargs
    revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert type(revived) is DiceCoefficient
    assert revived.get_config() == kwargs
    assert set(dir(revived)) == set(dir(metric))


def test_dice_three_classes_have_three_names():
    assert [DiceCoefficient(class_id=c).name for c in range(3)] == [
        "dice_coefficient_0",
        "dice_coefficient",
        "dice_coefficient_2",
    ]


# Compiled, and in keras' loops


def test_dice_compiled_counts_equal_eager_counts():
    """A compiler must not simplify the sums of rounding errors."""
    truth, predicted = random_case(images=4, size=40)
    logits = logits_of(predicted)
    weights = np.random.default_rng(0).random(truth.shape).astype("float32")
    eager, compiled = DiceCoefficient(average="dataset"), DiceCoefficient(average="dataset")
    start = np.array([[300.0, 100.5, 1e-3]] * 3, "float32")
    eager.sums.assign(start)
    compiled.sums.assign(start)
    eager.update_state(truth, logits, weights)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        tf.function(compiled.update_state, jit_compile=True)(truth, logits, weights)
    elif BACKEND == "jax":
        import jax

        jax.config.update("jax_disable_most_optimizations", False)  # off in the suite, for speed
        update = jax.jit(compiled.stateless_update_state)
        compiled.sums.assign(update([v.value for v in compiled.variables], truth, logits, weights)[0])
        jax.config.update("jax_disable_most_optimizations", True)
    else:
        pytest.skip("keras runs PyTorch eagerly")
    before = 300 * 65536 + 100.5 + 1e-3
    weights = weights.astype("float64")
    exact = [2 * (weights * truth * predicted).sum(), (weights * (truth + predicted)).sum(), 4]
    for metric in (eager, compiled):
        assert np.subtract(exact_total(metric), before) == pytest.approx(exact, rel=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are not known in advance")
def test_dice_sizes_known_in_the_graph_only_are_checked_there():
    import tensorflow as tf

    metric = DiceCoefficient()

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None, None), "uint8"),
            tf.TensorSpec((None, None, None, 2), "float32"),
            tf.TensorSpec((None,), "float32"),
        ]
    )
    def update(labels, logits, weights):
        metric.update_state(labels, logits, weights)
        return metric.result()

    truth, predicted = random_case(images=4)
    logits = logits_of(predicted)
    assert float(update(truth[..., None], logits, np.ones(4, "float32"))) == dice(truth, predicted)
    for labels, weights in (
        (truth[:1, ..., None], np.ones(4)),
        (truth[:, :1, :, None], np.ones(4)),
        (truth.reshape(4, 8, 32, 1), np.ones(4)),
        (truth[..., None].repeat(2, -1), np.ones(4)),
        (truth[..., None], np.ones(1)),
        (truth[..., None], np.ones(16)),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError):
            update(labels, logits, weights.astype("float32"))


@pytest.fixture(scope="module")
def trained():
    """Return a model of three classes, its data, and the history of a fit with learning rate 0."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(10, 8, 8, 1)).astype("float32")
    labels = rng.integers(0, 3, (10, 8, 8, 1)).astype("uint8")
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(3, 3, padding="same")(image))
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=SparseSoftmaxCE(),
        metrics=[DiceCoefficient(class_id=c) for c in range(3)],
        weighted_metrics=[DiceCoefficient(average="dataset", name="weighted")],
    )
    weights = np.r_[np.ones(5), np.zeros(5)].astype("float32")
    stopping = keras.callbacks.EarlyStopping(monitor="val_dice_coefficient", mode="auto", patience=9)
    history = model.fit(
        images,
        labels,
        sample_weight=weights,
        batch_size=4,
        epochs=2,
        verbose=0,
        validation_data=(images, labels),
        callbacks=[stopping],
    )
    return model, images, labels, history.history, stopping


def test_dice_in_fit_and_evaluate_equals_predict(trained):
    model, images, labels, history, _ = trained
    logits = model.predict(images, batch_size=7, verbose=0)
    expected = {DiceCoefficient(class_id=c).name: dice(labels, logits, class_id=c) for c in range(3)}
    evaluated = model.evaluate(images, labels, batch_size=3, verbose=0, return_dict=True)
    for name, value in expected.items():
        assert evaluated[name] == pytest.approx(value, abs=1e-6)
        assert history[name] == pytest.approx([value] * 2, abs=1e-6)
        assert history[f"val_{name}"] == pytest.approx([value] * 2, abs=1e-6)


def test_dice_as_weighted_metric_gets_the_weights(trained):
    model, images, labels, history, _ = trained
    logits = model.predict(images, verbose=0)
    assert history["weighted"] == pytest.approx([dice(labels[:5], logits[:5], average="dataset")] * 2, abs=1e-6)


def test_dice_monitored_in_mode_auto_is_maximized(trained):
    *_, stopping = trained
    assert bool(stopping.monitor_op(0.9, 0.8))
    assert not bool(stopping.monitor_op(0.7, 0.8))
