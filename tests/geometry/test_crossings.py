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
def test_an_outline_without_a_crossing_has_no_crossed_area(radii, backwards):
    assert crossed_area(star(radii)[:: -1 if backwards else 1]) == pytest.approx(0, abs=1e-9)


@given(radii)
def test_an_outline_gone_round_twice_is_crossed_area_all_over(radii):
    once = star(radii)
    assert crossed_area(np.concatenate([once, once])) == pytest.approx(polygon_area(once), rel=0.02, abs=1)


@given(st.floats(5, 30), st.floats(2, 4.9))
def test_the_smaller_loop_of_an_eight_is_what_counts(large, small):
    # Two circles that touch in one point, gone round in opposite senses.
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    right = large * np.stack([1 - np.cos(angles), np.sin(angles)], axis=1)
    left = small * np.stack([np.cos(angles) - 1, np.sin(angles)], axis=1)
    assert crossed_area(np.concatenate([right, left])) == pytest.approx(np.pi * small**2, rel=0.02, abs=0.5)
    # Gone round in the same sense they are one outline that touches itself.
    assert crossed_area(np.concatenate([right, left[::-1]])) == pytest.approx(0, abs=1e-9)


def test_a_spike_there_and_back_is_no_crossing():
    assert crossed_area(np.array([[0, 0], [4, 0], [9, 0], [4, 0], [4, 4], [0, 4]])) == 0


def test_no_contour_crosses_itself(sunnybrook, phantom_tree):
    contours = [*sunnybrook.glob("contourfiles/*/*/*.txt"), *phantom_tree.glob("contourfiles/*/*/*.txt")]
    assert len(contours) > 84
    assert [path for path in contours if crossed_area(read_contour(path)) > 0] == []
