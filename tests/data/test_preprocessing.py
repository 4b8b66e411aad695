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
def test_the_unit_of_a_padded_image_does_not_matter(factor, offset):
    expected = PREPROCESSING.image(IMAGE, GRID)
    moved = (IMAGE + 100 * offset) * factor
    np.testing.assert_allclose(PREPROCESSING.image(moved, GRID), expected, atol=1e-4)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_no_unit_is_too_small_or_too_large(factor):
    np.testing.assert_allclose(PREPROCESSING.image(IMAGE * factor, GRID), PREPROCESSING.image(IMAGE, GRID), atol=1e-4)


def test_the_border_is_as_dark_as_the_darkest_pixel():
    for image in (IMAGE, IMAGE.astype(np.int32) - 5000):
        prepared = PREPROCESSING.image(image, GRID)
        assert prepared[0, 0] == pytest.approx(prepared.min(), abs=1e-6)


def test_an_image_of_one_value_stays_finite():
    np.testing.assert_array_equal(PREPROCESSING.image(np.full((60, 90), 7.0), GRID), 0)


def test_a_mean_of_0_and_a_deviation_of_1_are_what_the_network_sees():
    prepared = PREPROCESSING.image(IMAGE, GRID)
    assert (prepared.mean(), prepared.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
