import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import BSpline

from keras_lvseg.data.fields import normal_noise, normal_quantiles, smooth_field, spline_step, spline_weights


@given(st.integers(1, 300), st.integers(4, 9))
def test_weights_are_scipy_s_uniform_cubic_b_spline(size, points):
    places = np.arange(size) / spline_step(size, points)
    spline = BSpline(np.arange(points + 4) - 3.0, np.eye(points), 3)
    np.testing.assert_allclose(spline_weights(size, points), spline(places), atol=1e-6)
    if size > 1:  # from edge to edge
        np.testing.assert_allclose(spline_weights(size, points), spline_weights(size, points)[::-1, ::-1], atol=1e-6)


@given(st.integers(0, 1000), st.integers(2, 90), st.integers(2, 90))
def test_a_field_stays_between_its_control_values(seed, height, width):
    values = np.random.default_rng(seed).normal(size=(2, 5, 5)).astype(np.float32)
    fields = smooth_field(values, (height, width))
    assert fields.shape == (2, height, width)
    for field, control in zip(fields, values, strict=True):
        assert control.min() - 1e-5 <= field.min() <= field.max() <= control.max() + 1e-5
    np.testing.assert_allclose(smooth_field(np.full((5, 5), 3, np.float32), (height, width)), 3, rtol=1e-6)


def test_noise_is_normal_and_independent_from_pixel_to_pixel_and_key_to_key():
    first, second = (normal_noise(key, (512, 512)) for key in (12, 13))
    noise = first.ravel()
    assert stats.kstest(noise, "norm").pvalue > 0.01
    assert stats.kstest(noise[:-1] + noise[1:], "norm", (0, np.sqrt(2))).statistic < 0.005
    bound = 4 / np.sqrt(noise.size)  # 4 standard deviations of a correlation of independent numbers
    for other in (*(np.roll(noise, step) for step in (1, 2, 16, 256, 512, 513)), second.ravel(), second.T.ravel()):
        assert abs(np.mean(noise * other)) < bound
        assert abs(np.mean((noise**2 - 1) * (other**2 - 1))) < 2 * bound
    assert -4.5 < normal_quantiles()[0] < -4 < 4 < normal_quantiles()[-1] < 4.5


@pytest.mark.parametrize("key", [0, 1, 2**24 - 1])
def test_noise_depends_on_the_key_and_the_pixel_s_place_in_the_row_of_all_pixels(key):
    np.testing.assert_array_equal(normal_noise(key, (8, 30)).ravel(), normal_noise(key, (16, 15)).ravel())
    assert not np.array_equal(normal_noise(key, (8, 30)), normal_noise(key + 1, (8, 30)))
