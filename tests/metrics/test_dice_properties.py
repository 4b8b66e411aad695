"""Properties of Dice for any masks, drawn by `keras_lvseg.testing`."""

import keras
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keras_lvseg import DiceCoefficient
from keras_lvseg.testing import image_weights, label_maps, logits_for, mask_pairs, masks, pixel_weights
from tests.dice import dice as definition

SIZE = (6, 7)  # one size, so that a backend that compiles for each shape does so once
IMAGES = 3

averages = st.sampled_from(["image", "dataset"])
pairs = mask_pairs(SIZE)
batches = st.tuples(*[pairs] * IMAGES).map(lambda drawn: tuple(np.stack(side) for side in zip(*drawn, strict=True)))


def dice(truth, predicted, weight=None, **arguments):
    """Return the Dice of batches or of single images."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim == 2:
        truth, predicted = truth[None], predicted[None]
    predicted = predicted.astype("int32") if predicted.dtype == bool else predicted
    metric = DiceCoefficient(**arguments)
    metric.update_state(truth.astype("int32"), predicted, weight)
    return float(metric.result())


@given(batches, averages)
def test_dice_swapped_masks_is_equal(batch, average):
    truth, predicted = batch
    assert dice(truth, predicted, average=average) == dice(predicted, truth, average=average)


@given(batches, averages)
def test_dice_any_masks_is_from_0_to_1(batch, average):
    assert 0 <= dice(*batch, average=average) <= 1


@given(masks(SIZE), averages)
def test_dice_equal_masks_is_exactly_1(mask, average):
    assert dice(mask, mask, average=average) == 1


@given(masks(SIZE), masks(SIZE), averages)
def test_dice_disjoint_masks_is_0(mask, other, average):
    other = other & ~mask
    assume(mask.any() or other.any())
    assert dice(mask, other, average=average) == 0


@given(batches, averages, st.permutations(range(SIZE[0] * SIZE[1])), st.sampled_from([(1,), (2,), (1, 2)]))
def test_dice_flipped_or_shuffled_pixels_is_equal(batch, average, order, axes):
    score = dice(*batch, average=average)
    assert dice(*(np.flip(side, axes) for side in batch), average=average) == score
    shuffled = (side.reshape(IMAGES, -1)[:, order].reshape(side.shape) for side in batch)
    assert dice(*shuffled, average=average) == score


@given(batches, averages, st.permutations(range(IMAGES)), st.integers(1, IMAGES))
def test_dice_other_batches_or_order_is_equal(batch, average, order, size):
    metric = DiceCoefficient(average=average)
    truth, predicted = (side[list(order)].astype("int32") for side in batch)
    for start in range(0, IMAGES, size):
        metric.update_state(truth[start : start + size], predicted[start : start + size])
    assert float(metric.result()) == pytest.approx(dice(*batch, average=average), abs=1e-7)


@given(pairs, st.data())
def test_dice_corrected_pixel_never_decreases(pair, data):
    truth, predicted = pair
    wrong = np.flatnonzero(truth != predicted)
    assume(wrong.size)
    mended = predicted.copy()
    pixel = data.draw(st.sampled_from(wrong.tolist()))
    mended.flat[pixel] = truth.flat[pixel]
    before, after = dice(truth, predicted), dice(truth, mended)
    assert after >= before
    if (truth & predicted).any():
        assert after > before


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")  # by keras' own IoU, on JAX
@given(pairs)
def test_dice_of_keras_iou_is_equal(pair):
    truth, predicted = (side.astype("int32") for side in pair)
    assume(truth.any() or predicted.any())
    iou = keras.metrics.IoU(num_classes=2, target_class_ids=[1])
    iou.update_state(truth, predicted)
    expected = 2 * float(iou.result()) / (1 + float(iou.result()))
    assert dice(*pair) == pytest.approx(expected, abs=1e-6)


@given(label_maps(4, SIZE), label_maps(4, SIZE), st.permutations(range(4)), st.integers(0, 3), averages)
def test_dice_renumbered_classes_is_equal(truth, predicted, names, class_id, average):
    names = np.array(names)
    renamed = dice(names[truth], names[predicted], class_id=int(names[class_id]), average=average)
    assert renamed == dice(truth, predicted, class_id=class_id, average=average)


@given(label_maps(3, SIZE), label_maps(3, SIZE), st.data(), st.integers(0, 2), averages)
def test_dice_logits_probabilities_and_one_hot_is_equal(truth, predicted, data, class_id, average):
    logits = data.draw(logits_for(predicted, 3))
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    one_hot = np.eye(3, dtype="float32")[predicted]
    score = dice(truth, predicted, class_id=class_id, average=average)
    for form in (logits, probabilities, one_hot):
        assert dice(truth, form, class_id=class_id, average=average) == score


@given(batches, averages, st.sampled_from([0.125, 0.3, 1.0, 7.0]), st.booleans())
def test_dice_uniform_weights_is_equal(batch, average, weight, of_pixels):
    weights = np.full((IMAGES, *SIZE) if of_pixels else (IMAGES,), weight, "float32")
    assert dice(*batch, weights, average=average) == pytest.approx(dice(*batch, average=average), abs=1e-6)


@given(batches, averages)
def test_dice_weight_of_zero_on_every_wrong_pixel_is_1(batch, average):
    truth, predicted = batch
    right = (truth == predicted).astype("float32")
    assume(right.any())
    assert dice(truth, predicted, right, average=average) == 1


@given(batches, image_weights(IMAGES), averages)
def test_dice_image_of_weight_zero_is_left_out(batch, weights, average):
    here = weights > 0
    absent = dice(*(side[here] for side in batch), weights[here], average=average)
    assert dice(*batch, weights, average=average) == pytest.approx(absent, abs=1e-6)
    pixels = np.broadcast_to((weights > 0).astype("float32")[:, None, None], (IMAGES, *SIZE))
    present = dice(*(side[here] for side in batch), average=average)
    assert dice(*batch, pixels, average=average) == pytest.approx(present, abs=1e-6)


@given(batches, pixel_weights((IMAGES, *SIZE)))
def test_dice_pixel_weights_weight_the_counts(batch, weights):
    truth, predicted = batch
    assume(weights.any())
    weights64 = weights.astype(float)
    shared, both = (truth & predicted) * weights64, (truth.astype(int) + predicted) * weights64
    expected = 2 * shared.sum() / both.sum() if both.any() else 1.0
    assert dice(*batch, weights, average="dataset") == pytest.approx(expected, abs=1e-6)


@given(batches, averages, st.integers(0, IMAGES))
def test_dice_two_metrics_merge_by_adding_their_variables(batch, average, cut):
    truth, predicted = (side.astype("int32") for side in batch)
    parts = [DiceCoefficient(average=average) for _ in range(2)]
    for part, images in zip(parts, (slice(cut), slice(cut, None)), strict=True):
        if len(truth[images]):
            part.update_state(truth[images], predicted[images])
    for one, other in zip(parts[0].variables, parts[1].variables, strict=True):
        one.assign(one + other)
    images = zip(*batch, strict=True) if average == "image" else [batch]
    exact = np.mean([definition(one, other) if (one | other).any() else 1.0 for one, other in images])
    assert float(parts[0].result()) == pytest.approx(exact, abs=1e-7)


@given(batches, averages)
def test_dice_state_survives_saving_and_loading(batch, average):
    metric = DiceCoefficient(average=average)
    metric.update_state(*(side.astype("int32") for side in batch))
    store = {}
    metric.save_own_variables(store)
    loaded = DiceCoefficient(average=average)
    loaded.load_own_variables(store)
    assert float(loaded.result()) == float(metric.result())
