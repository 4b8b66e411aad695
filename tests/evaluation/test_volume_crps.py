import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from keras_lvseg.evaluation import volume_crps, volume_distribution

STEPS = np.arange(600)
means, sds = st.floats(0, 599), st.floats(0.5, 100)


def test_volume_crps_equals_values_by_hand():
    certain = (STEPS >= 120).astype(float)
    half = np.full(600, 0.5)
    late = (STEPS >= 599).astype(float)
    # 120.5 is at most n from n = 121 on; 125 leaves five steps; half misses every step by a quarter.
    scores = volume_crps([certain, certain, certain, half, late], [120, 120.5, 125, 77, 0])
    np.testing.assert_allclose(scores, [0, 1 / 600, 5 / 600, 0.25, 599 / 600], rtol=1e-12)


@given(means, sds)
def test_volume_distribution_equals_scipy_never_falls_and_stays_in_bounds(mean, sd):
    (row,) = volume_distribution([mean], sd)
    np.testing.assert_allclose(row, stats.norm.cdf(STEPS, mean, sd), atol=1e-12)
    assert (np.diff(row) >= 0).all()
    assert row.min() >= 0
    assert row.max() <= 1


@given(st.floats(150, 400), st.floats(2, 20), st.integers(150, 400))
def test_volume_crps_of_a_normal_distribution_equals_the_integral(mean, sd, true):
    (score,) = volume_crps(volume_distribution([mean], sd), [true])
    below, _ = integrate.quad(lambda v: stats.norm.cdf(v, mean, sd) ** 2, 0, true, points=[mean], limit=200)
    above, _ = integrate.quad(lambda v: stats.norm.sf(v, mean, sd) ** 2, true, 600, points=[mean], limit=200)
    # Steps of 1 mL at the upper ends of the intervals: the sum differs from the integral by less than a step.
    assert abs(600 * score - (below + above)) <= 0.51


@given(st.lists(st.tuples(st.integers(0, 599), st.floats(0, 1)), max_size=8), st.floats(0, 599))
def test_volume_crps_of_any_distribution_is_not_better_than_the_certain_truth(jumps, true):
    row = np.zeros(600)
    for place, height in jumps:
        row[place:] = np.maximum(row[place:], height)
    row.sort()
    certain = (true <= STEPS).astype(float)
    score, best = volume_crps([row, certain], [true, true])
    assert best == 0
    assert 0 <= score <= 1
    assert score > 0 or np.array_equal(row, certain)


@given(st.integers(150, 400), st.floats(2, 20))
def test_volume_crps_grows_with_the_distance_of_the_mean_from_the_truth(true, sd):
    distances = np.arange(0, 60, 5)
    for sign in (-1, 1):
        # Half a step lower, because a volume between two steps counts from the upper one on.
        scores = volume_crps(volume_distribution(true - 0.5 + sign * distances, sd), np.full(len(distances), true))
        assert (np.diff(scores) > 0).all()


@given(st.floats(150, 300), st.floats(2, 20), st.floats(150, 300), st.integers(0, 100))
def test_volume_crps_is_the_same_after_a_shift_of_distribution_and_truth(mean, sd, true, shift):
    before, after = volume_crps(volume_distribution([mean, mean + shift], sd), [true, true + shift])
    assert after == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "true"),
    [
        (np.zeros((1, 599)), [1]),
        (np.zeros((2, 600)), [1]),
        (np.full((1, 600), 1.1), [1]),
        (np.linspace(1, 0, 600)[None], [1]),
        (np.full((1, 600), math.nan), [1]),
        (np.zeros((1, 600)), [math.nan]),
    ],
)
def test_volume_crps_of_what_is_no_distribution_raises(rows, true):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        volume_crps(rows, true)


@pytest.mark.parametrize(("mean", "sd"), [([1.0], 0), ([1.0], [1.0, 2.0]), ([math.inf], 1), ([1.0], math.nan)])
def test_volume_distribution_of_unusable_parameters_raises(mean, sd):
    with pytest.raises(ValueError, match="Invalid value for argument"):
        volume_distribution(mean, sd)
