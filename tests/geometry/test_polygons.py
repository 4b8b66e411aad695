import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.draw import polygon2mask
from skimage.measure import find_contours

from keras_lvseg.geometry import polygon_area, polygon_mask
from keras_lvseg.io import read_contour

SHAPE = (24, 30)
FINE = 20


@st.composite
def stars(draw):
    """Draw star-shaped contours, some of which leave the image."""
    radii = np.array(draw(st.lists(st.floats(1.5, 9), min_size=3, max_size=24)))
    angles = 2 * np.pi * (np.arange(len(radii)) + draw(st.floats(0, 1))) / len(radii)
    centre = draw(st.floats(0, SHAPE[1])), draw(st.floats(0, SHAPE[0]))
    return np.column_stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)])


@given(stars())
def test_polygon_mask_equals_supersampling_by_skimage(points):
    fine = (points[:, ::-1] + 0.5) * FINE - 0.5
    samples = polygon2mask((SHAPE[0] * FINE, SHAPE[1] * FINE), fine)
    coverage = samples.reshape(SHAPE[0], FINE, SHAPE[1], FINE).mean(axis=(1, 3))
    clear = np.abs(coverage - 0.5) > 0.1  # nearer to a half, the two samplings may differ
    np.testing.assert_array_equal(polygon_mask(points, SHAPE)[clear], coverage[clear] > 0.5)


@given(stars(), st.integers(-8, 8), st.integers(-8, 8))
def test_polygon_mask_moves_with_the_contour(points, dx, dy):
    padded = (SHAPE[0] + 60, SHAPE[1] + 60)
    mask = polygon_mask(points + 30, padded)
    moved = polygon_mask(points + 30 + (dx, dy), padded)
    assert np.mean(np.roll(mask, (dy, dx), (0, 1)) != moved) < 1e-3  # a pixel covered by a half may change


@given(stars())
def test_polygon_mask_does_not_depend_on_the_first_point_and_area_not_on_direction(points):
    assert polygon_area(points) == pytest.approx(polygon_area(points[::-1]))
    np.testing.assert_array_equal(polygon_mask(points, SHAPE), polygon_mask(np.roll(points, 1, axis=0), SHAPE))


def circle(centre, radius):
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    return centre + radius * np.column_stack([np.cos(angles), np.sin(angles)])


def circles(count):
    random = np.random.default_rng(0)
    return [circle(random.uniform(24, 26, 2), random.uniform(6, 20)) for _ in range(count)]


def test_polygon_area_and_mask_of_circles_have_the_known_area():
    assert polygon_area(circle((25, 25), 10)) == pytest.approx(100 * np.pi, rel=1e-4)
    ratios = [polygon_mask(points, (50, 50)).sum() / polygon_area(points) for points in circles(200)]
    assert np.mean(ratios) == pytest.approx(1, abs=1e-3)


def test_polygon_mask_of_contours_on_half_pixels_is_unbiased():
    # Real contours lie on half pixels. Counting all pixels covered by a half, or none, would bias every area by 0.5 %.
    contours = [np.round(2 * points) / 2 - 0.75 for points in circles(200)]
    ratios = [polygon_mask(points, (50, 50)).sum() / polygon_area(points) for points in contours]
    assert np.mean(ratios) == pytest.approx(1, abs=2e-3)


def test_polygon_mask_equals_coverage_where_polygon2mask_does_not():
    triangle = np.array([[0.1, 0.1], [-0.6, 0.3], [0.3, -0.6]])  # covers the centre of pixel (0, 0), but not half of it
    assert polygon2mask((2, 2), triangle[:, ::-1])[0, 0]
    assert not polygon_mask(triangle, (2, 2))[0, 0]


@pytest.mark.parametrize("corner", [(-50, -50), (100, 5), (5, 100)])
def test_polygon_mask_of_a_contour_outside_the_image_is_empty(corner):
    square = np.add(corner, [[0, 0], [9, 0], [9, 9], [0, 9]])
    assert not polygon_mask(square, SHAPE).any()


def test_polygon_mask_of_a_contour_around_the_image_is_full():
    assert polygon_mask(np.array([[-9, -9], [99, -9], [99, 99], [-9, 99]]), SHAPE).all()


def test_polygon_mask_excludes_an_area_enclosed_twice():
    square, hole = np.array([[0, 0], [9, 0], [9, 9], [0, 9]]) - 0.5, np.array([[3, 3], [6, 3], [6, 6], [3, 6]]) - 0.5
    contour = np.concatenate([square, square[:1], hole, hole[:1]])
    assert polygon_mask(contour, (9, 9)).sum() == 81 - 9


def test_polygon_mask_of_no_points_or_distant_points_is_empty():
    assert not polygon_mask(np.zeros((0, 2)), SHAPE).any()
    zigzag = np.tile([[5, -1e6], [6, 1e6]], (500, 1))
    assert not polygon_mask(zigzag, SHAPE).any()  # the area is enclosed twice


@pytest.mark.parametrize("points", [np.zeros(6), np.zeros((3, 3)), [[0, 0], [1, np.nan], [2, 2]]])
def test_polygon_mask_of_invalid_points_raises(points):
    with pytest.raises(ValueError, match="argument `points"):
        polygon_mask(points, SHAPE)


def test_polygon_mask_of_real_contours_keeps_their_area(sunnybrook):
    ratios = []
    for path in sorted(sunnybrook.glob("contourfiles/*/*/*.txt")):
        points = read_contour(path)
        ratios.append(polygon_mask(points, (256, 256)).sum() / polygon_area(points) - 1)
    assert len(ratios) == 84
    assert np.mean(np.abs(ratios)) < 3e-3


def test_polygon_mask_of_a_contour_traced_by_skimage_restores_the_mask():
    rows, columns = np.mgrid[:40, :50]
    mask = (rows - 18.3) ** 2 / 144 + (columns - 22.7) ** 2 / 196 < 1
    (traced,) = find_contours(mask.astype(float), 0.5)
    np.testing.assert_array_equal(polygon_mask(traced[:, ::-1], mask.shape), mask)
