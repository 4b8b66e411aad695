import numpy as np
import pytest

from keras_lvseg.inference.consistency.heart_axis import fit_heart_axis

HEIGHTS = np.repeat(np.arange(10.0) * 8, 5)


def centroids(slope, rng):
    return np.array([40.0, -20.0]) + np.outer(HEIGHTS, slope) + rng.normal(0, 1, (50, 2))


@pytest.mark.parametrize("others", [0, 1, 3])
def test_fit_heart_axis_ignores_other_organs_in_slices_at_one_end(others):
    places = centroids((0.1, -0.1), np.random.default_rng(0))
    places[: 5 * others] = (-50.0, 30.0)
    line = fit_heart_axis(places, HEIGHTS, np.ones(50), [8.0 * 3, 8.0 * 9])
    np.testing.assert_allclose(line, [[42.4, -22.4], [47.2, -27.2]], atol=2)


def test_fit_heart_axis_moves_and_mirrors_with_the_centroids():
    places = centroids((0.2, 0.0), np.random.default_rng(1))
    weights = np.random.default_rng(2).uniform(0.1, 1, 50)
    line = fit_heart_axis(places, HEIGHTS, weights, [0.0, 50.0])
    moved = fit_heart_axis((100.0, -7.0) - places, HEIGHTS + 13, 3 * weights, [13.0, 63.0])
    np.testing.assert_allclose(moved, (100.0, -7.0) - line, atol=1e-9)


def test_fit_heart_axis_of_one_slice_is_its_place():
    line = fit_heart_axis(np.array([[3.0, 4.0]]), np.array([8.0]), np.ones(1), [8.0, 80.0])
    np.testing.assert_allclose(line, [[3, 4], [3, 4]])
