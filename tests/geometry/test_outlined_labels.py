import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from benchmarks.conventions.contour_conventions import integers
from keras_lvseg.geometry import contour_of_outlined_label, polygon_area, polygon_mask
from keras_lvseg.testing import hearts, masks
from tests.dice import dice

any_mask = st.one_of(
    masks(), hearts((40, 30)), npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9))
)
SHAPE = (64, 72)


def drawn(middle, radius, ripples=()):
    """Return a smooth contour on half pixels, in steps of half a pixel."""
    angles = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius / 0.5), endpoint=False)
    ripple = sum((size * np.cos(waves * angles + turn) for waves, (size, turn) in enumerate(ripples, 2)), np.ones(1))
    points = middle + radius * ripple[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.round(2 * points) / 2


places = st.tuples(st.floats(30, 40), st.floats(28, 34))
ripples = st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 2 * np.pi)), max_size=3)
drawn_contours = st.builds(drawn, places, st.floats(8, 22), ripples)


def centre(points):
    """Return the centre of the area inside."""
    x, y = (points - points.mean(axis=0)).T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    moment = np.stack([x + np.roll(x, -1), y + np.roll(y, -1)]) @ cross
    return points.mean(axis=0) + moment / (3 * cross.sum())


@given(drawn_contours, st.sampled_from([-0.75, 0.0, -1.0]))
def test_contour_of_outlined_label_restores_the_drawn_contour(points, origin):
    damaged = integers(points, SHAPE)
    contour = contour_of_outlined_label(damaged, contour_origin=origin)
    truth = points + origin
    area = polygon_area(truth)
    assert abs(polygon_area(contour) - area) < 0.6 * (damaged.sum() - area)
    assert polygon_area(contour) == pytest.approx(area, rel=0.1)
    assert np.abs(centre(contour) - centre(truth)).max() < 0.25
    assert dice(polygon_mask(contour, SHAPE), polygon_mask(truth, SHAPE)) > 0.92


def test_contour_of_outlined_label_is_unbiased_in_size_and_position():
    sizes, shifts = [], []
    rng = np.random.default_rng(0)
    for _ in range(100):
        points = drawn(rng.uniform(30, 34, 2), rng.uniform(10, 24))
        contour = contour_of_outlined_label(integers(points, SHAPE), contour_origin=0.0)
        sizes.append(polygon_area(contour) / polygon_area(points))
        shifts.append(centre(contour) - centre(points))
    assert np.mean(sizes) == pytest.approx(1.01, abs=0.01)
    np.testing.assert_allclose(np.mean(shifts, axis=0), 0, atol=0.02)


@given(st.integers(3, 9), st.integers(2, 9))
def test_contour_of_outlined_label_of_a_rectangle_is_half_a_pixel_smaller_on_each_side(rows, columns):
    contour = contour_of_outlined_label(np.pad(np.ones((rows, columns), bool), 2), contour_origin=-0.25)
    assert polygon_area(contour) == (rows - 1) * (columns - 1)
    assert contour.min(axis=0).tolist() == [2, 2]
    assert contour.max(axis=0).tolist() == [columns + 1, rows + 1]


@given(any_mask, st.sampled_from([-0.75, -0.25, 0.0, -1.0]))
def test_contour_of_outlined_label_of_any_mask_fills_at_least_one_pixel(mask, origin):
    contour = contour_of_outlined_label(mask, contour_origin=origin)
    assert contour.shape[1:] == (2,)
    if not mask.any():
        assert len(contour) == 0
        return
    assert len(np.unique(contour, axis=0)) >= 3
    assert (contour != np.roll(contour, 1, axis=0)).any(axis=1).all()
    assert polygon_mask(contour, mask.shape).any()
    assert 0.5 <= polygon_area(contour) <= ndimage.binary_fill_holes(mask).sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_contour_of_outlined_label_of_a_line_of_pixels_fills_to_the_same_mask(shape):
    mask = np.zeros((20, 20), bool)
    mask[5 : 5 + shape[0], 7 : 7 + shape[1]] = True
    np.testing.assert_array_equal(polygon_mask(contour_of_outlined_label(mask), mask.shape), mask)


@given(hearts((40, 30)), st.integers(0, 5), st.integers(0, 5))
def test_contour_of_outlined_label_moves_and_transposes_with_the_mask(mask, down, right):
    contour = contour_of_outlined_label(mask, contour_origin=0.0)
    moved = contour_of_outlined_label(np.pad(mask, ((down, 3), (right, 0))), contour_origin=0.0)
    np.testing.assert_array_equal(moved, contour + np.array([right, down]))
    turned = contour_of_outlined_label(mask.T, contour_origin=0.0)
    assert {tuple(point) for point in turned} == {(x, y) for y, x in contour}


def test_contour_of_outlined_label_ignores_holes_and_stray_components():
    mask = np.zeros((20, 20), bool)
    mask[4:14, 5:15] = True
    contour = contour_of_outlined_label(mask)
    mask[8:10, 8:10] = mask[1, 1] = mask[17:19, 16:19] = True
    mask[8:10, 8:10] = False
    np.testing.assert_array_equal(contour_of_outlined_label(mask), contour)


@pytest.mark.parametrize("mask", [np.full((2, 2), 0.5), np.full((2, 2), 2), np.ones(4, bool), np.ones((2, 2, 1), bool)])
def test_contour_of_outlined_label_of_an_invalid_mask_raises(mask):
    with pytest.raises(ValueError, match="argument `mask"):
        contour_of_outlined_label(mask)
