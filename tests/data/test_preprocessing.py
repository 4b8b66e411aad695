import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.geometry import NetworkGrid

# Far smaller than what the network sees: most of that is padding.
GRID = NetworkGrid((60, 90), (1.1, 1.1), (144, 144), 1.5)
PREPROCESSING = Preprocessing((144, 144), 1.5)
IMAGE = np.random.default_rng(0).gamma(2, 100, (60, 90)).astype(np.uint16)


@given(st.floats(-6, 6).map(lambda power: 10**power), st.floats(-10, 10))
def test_zscore_of_a_padded_image_in_another_unit_is_the_same(factor, offset):
    expected = PREPROCESSING.image(IMAGE, GRID)
    moved = (IMAGE + 100 * offset) * factor
    np.testing.assert_allclose(PREPROCESSING.image(moved, GRID), expected, atol=1e-4)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_zscore_in_extreme_units_is_the_same(factor):
    np.testing.assert_allclose(PREPROCESSING.image(IMAGE * factor, GRID), PREPROCESSING.image(IMAGE, GRID), atol=1e-4)


def test_zscore_padding_is_as_dark_as_the_darkest_pixel():
    for image in (IMAGE, IMAGE.astype(np.int32) - 5000):
        prepared = PREPROCESSING.image(image, GRID)
        assert prepared[0, 0] == pytest.approx(prepared.min(), abs=1e-6)


def test_zscore_of_a_constant_image_is_zero():
    np.testing.assert_array_equal(PREPROCESSING.image(np.full((60, 90), 7.0), GRID), 0)


def test_zscore_after_resampling_has_mean_0_and_deviation_1():
    prepared = PREPROCESSING.image(IMAGE, GRID)
    assert (prepared.mean(), prepared.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
