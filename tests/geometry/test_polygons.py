import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask
from skimage.measure import find_contours

from keras_lvseg.geometry import polygon_area, polygon_mask
from keras_lvseg.io import read_contour

SHAPE = (24, 30)
FINE = 20


@st.composite
def stars(draw):
    """Outlines with a radius for each angle, some of them leaving the image."""
    radii = np.array(draw(st.lists(st.floats(1.5, 9), min_size=3, max_size=24)))
    angles = 2 * np.pi * (np.arange(len(radii)) + draw(st.floats(0, 1))) / len(radii)
    centre = draw(st.floats(0, SHAPE[1])), draw(st.floats(0, SHAPE[0]))
    return np.column_stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)])


@given(stars())
@settings(max_examples=40)
def test_mask_is_what_sampling_with_skimage_gives(points):
    fine = (points[:, ::-1] + 0.5) * FINE - 0.5
    samples = polygon2mask((SHAPE[0] * FINE, SHAPE[1] * FINE), fine)
    coverage = samples.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
    clear = np.abs(coverage - 0.5) > 0.1  # nearer to a half, the two ways of sampling may differ
    np.testing.assert_array_equal(polygon_mask(points, SHAPE)[clear], coverage[clear] > 0.5)


@given(stars(), st.integers(-8, 8), st.integers(-8, 8))
def test_moving_the_outline_by_whole_pixels_moves_the_mask(points, dx, dy):
    padded = (SHAPE[0] + 60, SHAPE[1] + 60)
    mask = polygon_mask(points + 30, padded)
    moved = polygon_mask(points + 30 + (dx, dy), padded)
    assert np.mean(np.roll(mask, (dy, dx), (0, 1)) != moved) < 1e-3  # a pixel covered by a half may tip over


@given(stars())
def test_neither_direction_nor_first_point_matters(points):
    assert polygon_area(points) == pytest.approx(polygon_area(points[::-1]))
    np.testing.assert_array_equal(polygon_mask(points, SHAPE), polygon_mask(np.roll(points, 1, axis=0), SHAPE))


def circle(centre, radius):
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    return centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])


def circles(count):
    random = np.random.default_rng(0)
    return [circle(random.uniform(24, 26, 2), random.uniform(6, 20)) for _ in range(count)]


def test_area_of_circles():
    assert polygon_area(circle((25, 25), 10)) == pytest.approx(100 * np.pi, rel=1e-4)
    ratios = [polygon_mask(points, (50, 50)).sum() / polygon_area(points) for points in circles(200)]
    assert np.mean(ratios) == pytest.approx(1, abs=1e-3)


def test_pixels_covered_by_exactly_a_half_are_shared_out():
    # Real contours lie on half pixels; taking all of the halves in, or none, would bias every area by 0.5 %.
    outlines = [np.round(2 * points) / 2 - 0.75 for points in circles(200)]
    ratios = [polygon_mask(points, (50, 50)).sum() / polygon_area(points) for points in outlines]
    assert np.mean(ratios) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("corner", [(-50, -50), (100, 5), (5, 100)])
def test_an_outline_outside_the_image_covers_nothing(corner):
    square = np.add(corner, [[0, 0], [9, 0], [9, 9], [0, 9]])
    assert not polygon_mask(square, SHAPE).any()


def test_an_outline_around_the_image_covers_all_of_it():
    assert polygon_mask(np.array([[-9, -9], [99, -9], [99, 99], [-9, 99]]), SHAPE).all()


def test_what_is_gone_around_twice_is_outside():
    square, hole = np.array([[0, 0], [9, 0], [9, 9], [0, 9]]) - 0.5, np.array([[3, 3], [6, 3], [6, 6], [3, 6]]) - 0.5
    outline = np.concatenate([square, square[:1], hole, hole[:1]])
    assert polygon_mask(outline, (9, 9)).sum() == 81 - 9


def test_no_points_fill_nothing_and_far_ones_no_memory():
    assert not polygon_mask(np.zeros((0, 2)), SHAPE).any()
    zigzag = np.tile([[5, -1e6], [6, 1e6]], (500, 1))
    assert not polygon_mask(zigzag, SHAPE).any()  # there and back again


@pytest.mark.parametrize("points", [np.zeros(6), np.zeros((3, 3)), [[0, 0], [1, np.nan], [2, 2]]])
def test_what_is_no_outline_is_refused(points):
    with pytest.raises(ValueError, match="argument `points"):
        polygon_mask(points, SHAPE)


def test_real_contours_keep_their_area(sunnybrook):
    ratios = []
    for path in sorted(sunnybrook.glob("contourfiles/*/*/*.txt")):
        points = read_contour(path)
        ratios.append(polygon_mask(points, (256, 256)).sum() / polygon_area(points) - 1)
    assert len(ratios) == 84
    assert np.mean(np.abs(ratios)) < 3e-3


def test_a_mask_traced_by_skimage_fills_to_the_same_mask():
    rows, columns = np.mgrid[:40, :50]
    mask = (rows - 18.3) ** 2 / 144 + (columns - 22.7) ** 2 / 196 < 1
    (traced,) = find_contours(mask.astype(float), 0.5)
    np.testing.assert_array_equal(polygon_mask(traced[:, ::-1], mask.shape), mask)
