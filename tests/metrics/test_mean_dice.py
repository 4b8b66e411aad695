import keras
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from keras_lvseg.losses import SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient, MeanDice
from keras_lvseg.testing import label_maps

SIZE = (4, 5)
batches = st.tuples(*(arrays("uint8", (3, *SIZE), elements=st.integers(0, 2)) for _ in range(2)))
averages = st.sampled_from(["image", "dataset"])


def score(metric, *batch) -> float:
    metric.update_state(*batch)
    return float(metric.result())


@given(batches, averages, st.booleans())
def test_mean_dice_is_the_mean_of_the_coefficients_of_the_classes(batch, average, include_background):
    classes = range(0 if include_background else 1, 3)
    expected = np.mean([score(DiceCoefficient(c, average=average), *batch) for c in classes])
    mean = MeanDice(3, average=average, include_background=include_background)
    assert score(mean, *batch) == pytest.approx(expected, abs=1e-6)


@given(batches)
def test_mean_dice_of_logits_equals_that_of_their_classes(batch):
    truth, predicted = batch
    logits = np.eye(3, dtype="float32")[predicted]
    assert score(MeanDice(3), truth, logits) == score(MeanDice(3), truth, predicted)


@given(label_maps(4, SIZE), label_maps(3, SIZE), st.integers(0, 2))
def test_mean_dice_of_a_merged_label_leaves_it_out_for_its_classes_alone(truth, predicted, other):
    members = tuple({0, 1, 2} - {other})
    mean = MeanDice(3, include_background=True, empty_score=None, merged_classes={3: members})
    # By hand: pixels of label 3 are gone for its two classes, and are just not `other`.
    known = truth != 3
    scores = []
    for c in range(3):
        here = np.ones_like(known) if c == other else known
        t, p = (truth == c) & here, (predicted == c) & here
        if t.any() or p.any():
            scores.append(2 * (t & p).sum() / (t.sum() + p.sum()))
    assume(scores)
    assert score(mean, truth[None], predicted[None]) == pytest.approx(np.mean(scores), abs=1e-6)


def test_mean_dice_without_any_known_class_is_nan():
    metric = MeanDice(3, empty_score=None, ignore_class=255)
    assert np.isnan(float(metric.result()))
    assert np.isnan(score(metric, np.full((1, 4), 255, "uint8"), np.ones((1, 4), "uint8")))


def test_mean_dice_with_a_class_nowhere_is_the_mean_of_the_others():
    assert score(MeanDice(4, empty_score=None), [[1, 1, 2, 2]], [[1, 1, 2, 0]]) == pytest.approx((1 + 2 / 3) / 2)


def test_mean_dice_after_reset_starts_again():
    metric = MeanDice(3)
    score(metric, [[1, 2]], [[2, 1]])
    metric.reset_state()
    assert score(metric, [[1, 2]], [[1, 2]]) == 1.0


@pytest.mark.slow
def test_mean_dice_of_a_saved_model_continues(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 4, 4, 1)).astype("float32"), rng.integers(0, 4, (8, 4, 4, 1))
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 1)])
    model.compile(loss=SparseSoftmaxCE(ignore_class=3), metrics=[MeanDice(3, merged_classes={3: (0, 2)})])
    model.train_on_batch(x, y)
    before = model.evaluate(x, y, verbose=0, return_dict=True)["mean_dice"]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(x, y, verbose=0, return_dict=True)["mean_dice"] == before
    predicted = model.predict(x, verbose=0)
    assert before == pytest.approx(score(MeanDice(3, merged_classes={3: (0, 2)}), y, predicted), abs=1e-6)


@pytest.mark.parametrize("arguments", [{"num_classes": 1}, {"num_classes": 3, "merged_classes": {2: (0, 1)}}])
def test_mean_dice_with_an_invalid_argument_names_it(arguments):
    with pytest.raises(ValueError, match=f"`{list(arguments)[-1]}`"):
        MeanDice(**arguments)


def test_mean_dice_of_a_prediction_of_other_classes_raises():
    with pytest.raises(ValueError, match="num_classes"):
        MeanDice(3).update_state(np.zeros((1, 4)), np.zeros((1, 4, 2), "float32"))
