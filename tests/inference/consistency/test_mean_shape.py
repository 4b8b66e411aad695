import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.inference.consistency.mean_shape import mean_probabilities, mean_shape

SPACING = (1.5, 2.0)
ROWS, COLUMNS = np.mgrid[:40, :44]


def disc(row, column, radius):
    return (np.hypot(ROWS - row, COLUMNS - column) < radius).astype(np.uint8)


discs = st.builds(disc, st.floats(15, 22), st.floats(18, 24), st.floats(3, 11))


@given(discs, discs)
def test_mean_shape_has_the_mean_area_and_lies_between_both(first, second):
    both, either = first & second, first | second
    mean = mean_shape([first, second], SPACING)
    wanted = (first.sum() + second.sum()) / 2
    assert mean.max() == 1
    # Pixels of equal depth are taken together, so that mirrored masks have a mirrored mean.
    assert wanted - 0.5 <= mean.sum() <= wanted + 8
    assert np.all(mean[both == 1])
    assert not np.any(mean[either == 0])


@given(discs, discs, st.sampled_from([0, 1]))
def test_mean_shape_of_mirrored_or_exchanged_masks_is_mirrored_or_the_same(first, second, axis):
    mean = mean_shape([first, second], SPACING)
    np.testing.assert_array_equal(mean_shape([second, first], SPACING), mean)
    mirrored = mean_shape([np.flip(first, axis), np.flip(second, axis)], SPACING)
    np.testing.assert_array_equal(np.flip(mean, axis), mirrored)


def test_mean_shape_of_equal_masks_is_the_mask():
    mask = 2 * disc(20, 22, 14) - disc(20, 22, 9)
    np.testing.assert_array_equal(mean_shape([mask, mask], SPACING), mask)


def test_mean_shape_of_rings_is_the_ring_midway():
    rings = [2 * disc(20, 22, cavity + 5) - disc(20, 22, cavity) for cavity in (7, 9)]
    mean, midway = mean_shape(rings, (1.0, 1.0)), 2 * disc(20, 22, 13) - disc(20, 22, 8)
    assert np.count_nonzero(mean != midway) < 0.06 * np.count_nonzero(midway)


def test_mean_shape_with_an_empty_mask_is_empty():
    assert not mean_shape([disc(20, 22, 9), np.zeros((40, 44), np.uint8)], SPACING).any()


@pytest.mark.parametrize("shift", [4, 8])
def test_mean_shape_of_a_moved_disc_is_a_disc_between_the_places(shift):
    mean = mean_shape([disc(20, 18, 10), disc(20, 18 + shift, 10)], (1.0, 1.0))
    middle = disc(20, 18 + shift / 2, 10)
    assert np.count_nonzero(mean != middle) < 0.15 * np.count_nonzero(middle)


def test_mean_probabilities_of_two_classes_have_the_mean_logit():
    first, second = np.array([0.2, 0.5, 0.9]), np.array([0.4, 0.5, 0.99])
    mean = mean_probabilities([np.stack([1 - own, own]) for own in (first, second)])

    def logit(p):
        return np.log(p / (1 - p))

    np.testing.assert_allclose(logit(mean[1]), (logit(first) + logit(second)) / 2, rtol=1e-6)
    np.testing.assert_allclose(mean.sum(axis=0), 1)
