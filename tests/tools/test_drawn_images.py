import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.drawn_images import draw_image


def heart(with_wall, side=48):
    """Return an image with three tissues and its label map."""
    rows, columns = np.indices((side, side)) - side // 2
    radius = np.hypot(rows, columns)
    label = np.where(radius < 8, 1, np.where(radius < 12, 2 if with_wall else 3, 0))
    noise = np.random.default_rng(0).normal(0, 0.1, label.shape)
    return np.where(label == 1, 2.0, np.where(radius < 12, -0.5, np.where(columns > 15, 1.0, -1.0))) + noise, label


@given(st.integers(0, 2**32), st.booleans())
def test_draw_image_is_normalized_and_repeats(seed, with_wall):
    first, second = (draw_image(*heart(with_wall), np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    np.testing.assert_allclose([first.mean(), first.std()], [0, 1], atol=1e-4)


@given(st.integers(0, 2**32), st.booleans())
def test_draw_image_has_blood_brighter_than_the_wall(seed, with_wall):
    image, label = heart(with_wall)
    drawn = draw_image(image, label, np.random.default_rng(seed))
    radius = np.hypot(*(np.indices(label.shape) - label.shape[0] // 2))
    assert drawn[radius < 5].mean() > drawn[(radius > 9) & (radius < 11)].mean()


@pytest.mark.parametrize("with_wall", [True, False])
def test_draw_image_gives_tissues_any_brightness(with_wall):
    image, label = heart(with_wall)
    places = [image > 1.5, (label == 0) & (image > 0.5), (label == 0) & (image < -0.5)]
    drawn = [draw_image(image, label, np.random.default_rng(seed)) for seed in range(60)]
    orders = {tuple(np.argsort([own[place].mean() for place in places])) for own in drawn}
    assert len(orders) == 6


def test_draw_image_of_a_slice_without_a_ventricle():
    image, label = heart(False)
    drawn = draw_image(image, np.zeros_like(label), np.random.default_rng(1))
    assert np.isfinite(drawn).all()
    assert not np.allclose(drawn, draw_image(image, label, np.random.default_rng(1)))
