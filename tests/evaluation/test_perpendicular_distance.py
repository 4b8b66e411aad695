import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from keras_lvseg.evaluation import average_perpendicular_distance

APD = average_perpendicular_distance
PIXEL_SPACING_RANGE = [(1.0, 1.0), (1.367188, 1.367188), (1.5, 0.8), (0.7, 2.1)]
SQUARE = np.array([[0.0, 0.0], [4, 0], [4, 4], [0, 4]])

spacings = st.tuples(st.floats(0.3, 5), st.floats(0.3, 5))
# Two decimals, as in contour files. Points closer than rounding errors would become equal when moved.
coordinates = st.integers(-5000, 5000).map(lambda i: i / 100)
contours = st.lists(st.tuples(coordinates, coordinates), min_size=4, max_size=12).map(np.array)


def ellipse(across, down, points, centre=(0.0, 0.0)):
    """Return points of an ellipse in mm, with half axes along x and y."""
    angles = 2 * np.pi * np.arange(points) / points
    return centre + np.column_stack([across * np.cos(angles), down * np.sin(angles)])


def pixels(mm, spacing, corner=(40.0, 30.0)):
    """Convert points in mm to pixels x and y."""
    return corner + mm / (spacing[1], spacing[0])


@pytest.mark.parametrize("spacing", PIXEL_SPACING_RANGE)
@pytest.mark.parametrize(("automatic", "manual"), [(20, 24.5), (24.5, 20), (3, 30), (20, 20)])
def test_apd_of_concentric_circles_equals_the_difference_of_radii(automatic, manual, spacing):
    inner, outer = ellipse(automatic, automatic, 200), ellipse(manual, manual, 4000)
    assert APD(pixels(inner, spacing), pixels(outer, spacing), spacing=spacing) == pytest.approx(
        abs(automatic - manual), abs=1e-4
    )


@pytest.mark.parametrize("spacing", PIXEL_SPACING_RANGE)
@pytest.mark.parametrize(("automatic", "manual", "shift"), [(20, 20, 3), (18, 22, 7), (25, 20, 30), (10, 20, 5)])
def test_apd_of_shifted_circles_equals_the_integral(automatic, manual, shift, spacing):
    def distance(angle):
        x, y = shift * 0.6 + automatic * math.cos(angle), shift * 0.8 + automatic * math.sin(angle)
        return abs(math.hypot(x, y) - manual)

    expected = quad(distance, 0, 2 * math.pi, limit=200)[0] / (2 * math.pi)
    moved = ellipse(automatic, automatic, 1000, centre=(shift * 0.6, shift * 0.8))
    measured = APD(pixels(moved, spacing), pixels(ellipse(manual, manual, 4000), spacing), spacing=spacing)
    assert measured == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("spacing", PIXEL_SPACING_RANGE)
@pytest.mark.parametrize("offset", [5.0, 0.4, -3.0])
def test_apd_of_a_contour_parallel_to_an_ellipse_equals_the_offset(offset, spacing):
    across, down = 25.0, 15.0  # the smallest radius of curvature is 9 mm, so 3 mm inwards is still parallel
    angles = 2 * np.pi * np.arange(200) / 200
    normals = np.column_stack([down * np.cos(angles), across * np.sin(angles)])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    parallel = ellipse(across, down, 200) + offset * normals
    manual = ellipse(across, down, 6000)
    measured = APD(pixels(parallel, spacing), pixels(manual, spacing), spacing=spacing)
    assert measured == pytest.approx(abs(offset), abs=1e-4)


@pytest.mark.parametrize("spacing", PIXEL_SPACING_RANGE)
def test_apd_of_ellipses_equals_the_minimised_distance_of_each_point(spacing):
    automatic = ellipse(16, 23, 60, centre=(2, -1))

    def distance(point):
        def squared(angle):
            return (24 * math.cos(angle) - point[0]) ** 2 + (17 * math.sin(angle) - point[1]) ** 2

        starts = np.linspace(0, 2 * np.pi, 25)
        found = (minimize_scalar(squared, bounds=(a, b)) for a, b in pairwise(starts))
        return math.sqrt(min(result.fun for result in found))

    expected = np.mean([distance(point) for point in automatic])
    measured = APD(pixels(automatic, spacing), pixels(ellipse(24, 17, 8000), spacing), spacing=spacing)
    assert measured == pytest.approx(expected, abs=1e-4)


def test_apd_is_measured_from_automatic_to_manual_only():
    arc = ellipse(20, 20, 400)[:100]
    whole = ellipse(20, 20, 400)
    assert APD(arc, whole, spacing=(1, 1)) == pytest.approx(0, abs=1e-12)
    assert APD(whole, arc, spacing=(1, 1)) > 5


def test_apd_is_measured_to_sides_and_not_only_to_corners():
    assert APD([[2.0, -1.0], [2.0, 1.5], [7.0, 8.0]], SQUARE, spacing=(1, 1)) == pytest.approx((1 + 1.5 + 5) / 3)


def test_apd_uses_separate_spacings_of_rows_and_columns():
    assert APD([[2.0, -1.0]] * 3, SQUARE, spacing=(3.0, 0.5)) == 3.0  # above: rows
    assert APD([[6.0, 2.0]] * 3, SQUARE, spacing=(3.0, 0.5)) == 1.0  # to the right: columns


@given(contours, contours, spacings, st.integers(1, 11))
def test_apd_does_not_depend_on_direction_first_point_or_closing_of_contours(automatic, manual, spacing, first):
    expected = pytest.approx(APD(automatic, manual, spacing=spacing), rel=1e-9, abs=1e-9)
    assert APD(automatic[::-1], manual[::-1], spacing=spacing) == expected
    assert APD(automatic, np.roll(manual, first, axis=0), spacing=spacing) == expected
    assert APD(automatic, np.vstack([manual, manual[:1]]), spacing=spacing) == expected
    if not np.array_equal(automatic[0], automatic[-1]):
        assert APD(np.vstack([automatic, automatic[:1]]), manual, spacing=spacing) == expected


@given(contours, contours, spacings, st.floats(0.1, 10), st.tuples(st.floats(-9, 9), st.floats(-9, 9)))
def test_apd_scales_with_spacing_and_is_invariant_to_translation(automatic, manual, spacing, factor, by):
    distance = APD(automatic, manual, spacing=spacing)
    assert APD(automatic, manual, spacing=np.array(spacing) * factor) == pytest.approx(factor * distance, rel=1e-9)
    assert APD(automatic + by, manual + by, spacing=spacing) == pytest.approx(distance, rel=1e-6, abs=1e-9)


@given(contours, spacings)
def test_apd_of_a_contour_to_itself_is_zero(contour, spacing):
    midway = (contour + np.roll(contour, -1, axis=0)) / 2
    assert APD(contour, contour, spacing=spacing) == 0
    assert APD(midway, contour, spacing=spacing) == pytest.approx(0, abs=1e-9)


def test_apd_of_a_missing_contour_is_infinite():
    assert APD(np.zeros((0, 2)), SQUARE, spacing=(1, 1)) == math.inf


@pytest.mark.parametrize(
    ("automatic", "manual", "spacing", "message"),
    [
        (SQUARE, SQUARE[:2], (1, 1), r"`manual.shape`. Expected three .* manual.shape=\(2, 2\)"),
        (
            SQUARE,
            SQUARE[[0, 1, 0]],
            (1, 1),
            r"`manual.shape`. Expected three .* manual.shape=\(2, 2\)",
        ),
        (
            SQUARE,
            np.zeros((0, 2)),
            (1, 1),
            r"`manual.shape`. Expected three .* manual.shape=\(0, 2\)",
        ),
        (
            SQUARE.T[:, :3],
            SQUARE,
            (1, 1),
            r"`automatic.shape`. Expected \(points, 2\).* automatic.shape=\(2, 3\)",
        ),
        (SQUARE, SQUARE[0], (1, 1), r"`manual.shape`. Expected \(points, 2\)"),
        ([], SQUARE, (1, 1), r"`automatic.shape`. .* Received: automatic.shape=\(0,\)"),
        (SQUARE * math.nan, SQUARE, (1, 1), "`automatic`. Expected finite numbers. Received: .*nan"),
        (SQUARE, SQUARE + math.inf, (1, 1), "`manual`. Expected finite numbers. Received: .*inf"),
        (SQUARE, SQUARE, 1.4, "a positive number of mm for each of 2 axes. Received: spacing=1.4"),
        (SQUARE, SQUARE, (1, 1, 8), "each of 2 axes"),
        (SQUARE, SQUARE, (0, 1), "positive"),
    ],
)
def test_apd_with_an_invalid_argument_raises(automatic, manual, spacing, message):
    with pytest.raises(ValueError, match=message):
        APD(automatic, manual, spacing=spacing)
