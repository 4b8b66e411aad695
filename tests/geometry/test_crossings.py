import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.geometry import crossed_area, polygon_area
from keras_lvseg.io import read_contour

radii = st.lists(st.floats(3, 40), min_size=5, max_size=60)


def star(radii, turns=1):
    angles = np.linspace(0, 2 * np.pi * turns, len(radii), endpoint=False)
    return np.array(radii)[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1) + (50.3, 47.7)


@given(radii, st.booleans())
def test_crossed_area_of_a_simple_contour_is_zero(radii, backwards):
    assert crossed_area(star(radii)[:: -1 if backwards else 1]) == pytest.approx(0, abs=1e-9)


@given(radii)
def test_crossed_area_of_a_contour_passed_twice_is_its_whole_area(radii):
    once = star(radii)
    assert crossed_area(np.concatenate([once, once])) == pytest.approx(polygon_area(once), rel=0.02, abs=1)


@given(st.floats(5, 30), st.floats(2, 4.9))
def test_crossed_area_of_a_figure_eight_is_its_smaller_loop(large, small):
    # Two circles that touch in one point, passed in opposite senses.
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    right = large * np.stack([1 - np.cos(angles), np.sin(angles)], axis=1)
    left = small * np.stack([np.cos(angles) - 1, np.sin(angles)], axis=1)
    assert crossed_area(np.concatenate([right, left])) == pytest.approx(np.pi * small**2, rel=0.02, abs=0.5)
    # Passed in the same sense, they are one contour that touches itself.
    assert crossed_area(np.concatenate([right, left[::-1]])) == pytest.approx(0, abs=1e-9)


def test_crossed_area_of_a_spike_is_zero():
    assert crossed_area(np.array([[0, 0], [4, 0], [9, 0], [4, 0], [4, 4], [0, 4]])) == 0


def test_crossed_area_of_real_and_phantom_contours_is_zero(sunnybrook, phantom_tree):
    contours = [*sunnybrook.glob("contourfiles/*/*/*.txt"), *phantom_tree.glob("contourfiles/*/*/*.txt")]
    assert len(contours) > 84
    assert [path for path in contours if crossed_area(read_contour(path)) > 0] == []
