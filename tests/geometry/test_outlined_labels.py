import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from benchmarks.conventions.contour_conventions import integers
from keras_lvseg.geometry import contour_of_outlined_label, polygon_area, polygon_mask
from keras_lvseg.testing import hearts, masks

any_mask = st.one_of(
    masks(), hearts((40, 30)), npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9))
)
SHAPE = (64, 72)


def drawn(middle, radius, ripples=()):
    """A smooth outline as contours are kept: on half pixels, one or the next diagonal step at a time."""
    angles = np.linspace(0, 2 * np.pi, int(2 * np.pi * radius / 0.5), endpoint=False)
    ripple = sum((size * np.cos(waves * angles + turn) for waves, (size, turn) in enumerate(ripples, 2)), np.ones(1))
    points = middle + radius * ripple[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return np.round(2 * points) / 2


places = st.tuples(st.floats(30, 40), st.floats(28, 34))
ripples = st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 2 * np.pi)), max_size=3)
contours = st.builds(drawn, places, st.floats(8, 22), ripples)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def centre(points):
    """Of the area inside."""
    x, y = (points - points.mean(axis=0)).T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    moment = np.stack([x + np.roll(x, -1), y + np.roll(y, -1)]) @ cross
    return points.mean(axis=0) + moment / (3 * cross.sum())


@given(contours, st.sampled_from([-0.75, 0.0, -1.0]))
def test_what_the_recipe_did_to_a_contour_is_undone(points, origin):
    damaged = integers(points, SHAPE)
    outline = contour_of_outlined_label(damaged, contour_origin=origin)
    truth = points + origin
    area = polygon_area(truth)
    assert abs(polygon_area(outline) - area) < 0.6 * (damaged.sum() - area)
    assert polygon_area(outline) == pytest.approx(area, rel=0.1)
    assert np.abs(centre(outline) - centre(truth)).max() < 0.25
    assert dice(polygon_mask(outline, SHAPE), polygon_mask(truth, SHAPE)) > 0.92


def test_on_average_size_and_place_are_right():
    sizes, shifts = [], []
    rng = np.random.default_rng(0)
    for _ in range(100):
        points = drawn(rng.uniform(30, 34, 2), rng.uniform(10, 24))
        outline = contour_of_outlined_label(integers(points, SHAPE), contour_origin=0.0)
        sizes.append(polygon_area(outline) / polygon_area(points))
        shifts.append(centre(outline) - centre(points))
    assert np.mean(sizes) == pytest.approx(1.01, abs=0.01)
    np.testing.assert_allclose(np.mean(shifts, axis=0), 0, atol=0.02)


@given(st.integers(3, 9), st.integers(2, 9))
def test_a_rectangle_loses_half_a_pixel_on_each_side(rows, columns):
    outline = contour_of_outlined_label(np.pad(np.ones((rows, columns), bool), 2), contour_origin=-0.25)
    assert polygon_area(outline) == (rows - 1) * (columns - 1)
    assert outline.min(axis=0).tolist() == [2, 2]
    assert outline.max(axis=0).tolist() == [columns + 1, rows + 1]


@given(any_mask, st.sampled_from([-0.75, -0.25, 0.0, -1.0]))
def test_every_mask_with_a_pixel_has_an_outline_that_fills_one(mask, origin):
    outline = contour_of_outlined_label(mask, contour_origin=origin)
    assert outline.shape[1:] == (2,)
    if not mask.any():
        assert len(outline) == 0
        return
    assert len(np.unique(outline, axis=0)) >= 3
    assert (outline != np.roll(outline, 1, axis=0)).any(axis=1).all()
    assert polygon_mask(outline, mask.shape).any()
    assert 0.5 <= polygon_area(outline) <= ndimage.binary_fill_holes(mask).sum()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_a_label_too_small_to_repair_stays_as_it_is(shape):
    mask = np.zeros((20, 20), bool)
    mask[5 : 5 + shape[0], 7 : 7 + shape[1]] = True
    np.testing.assert_array_equal(polygon_mask(contour_of_outlined_label(mask), mask.shape), mask)


@given(hearts((40, 30)), st.integers(0, 5), st.integers(0, 5))
def test_it_moves_and_turns_with_the_mask(mask, down, right):
    outline = contour_of_outlined_label(mask, contour_origin=0.0)
    moved = contour_of_outlined_label(np.pad(mask, ((down, 3), (right, 0))), contour_origin=0.0)
    np.testing.assert_array_equal(moved, outline + np.array([right, down]))
    turned = contour_of_outlined_label(mask.T, contour_origin=0.0)
    assert {tuple(point) for point in turned} == {(x, y) for y, x in outline}


def test_holes_and_stray_pieces_do_not_count():
    mask = np.zeros((20, 20), bool)
    mask[4:14, 5:15] = True
    outline = contour_of_outlined_label(mask)
    mask[8:10, 8:10] = mask[1, 1] = mask[17:19, 16:19] = True
    mask[8:10, 8:10] = False
    np.testing.assert_array_equal(contour_of_outlined_label(mask), outline)


@pytest.mark.parametrize("mask", [np.full((2, 2), 0.5), np.full((2, 2), 2), np.ones(4, bool), np.ones((2, 2, 1), bool)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match="argument `mask"):
        contour_of_outlined_label(mask)
