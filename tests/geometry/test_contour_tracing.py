import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage
from skimage.draw import polygon2mask

from keras_lvseg.geometry import (
    CONTOUR_ORIGIN,
    join_contours,
    largest_component,
    largest_contour,
    mask_contours,
    polygon_area,
    polygon_mask,
)
from keras_lvseg.io import read_contour, write_contour
from keras_lvseg.testing import hearts, masks

any_mask = st.one_of(
    masks(), hearts((40, 30)), npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, max_side=9))
)
origins = st.one_of(st.sampled_from([CONTOUR_ORIGIN, 0.0, -1.0]), st.floats(-2, 2))

RING = np.pad(np.pad([[False]], 1, constant_values=True), 1)
HARD = {
    "empty": np.zeros((3, 4), bool),
    "no pixels": np.zeros((0, 4), bool),
    "full": np.ones((3, 4), bool),
    "one pixel": np.ones((1, 1), bool),
    "a hole": RING,
    "a component in a hole": np.pad(RING, 3, constant_values=True) ^ np.pad(np.ones((5, 5), bool), 3),
    "checkerboard": np.indices((5, 6)).sum(axis=0) % 2 == 0,
    "holes that touch at a corner": ~np.pad(np.eye(3, dtype=bool), 1),
    "a ring that closes at a corner": np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool),
    "components that touch at a corner": np.kron(np.eye(2, dtype=bool), np.ones((2, 3), bool)),
    "at every side": np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool),
}


def signed_area(points):
    x, y = points.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def winding_number(points, shape):
    """Return the clockwise winding number at each pixel's centre, by the crossings of a ray to the right."""
    rows, columns = np.indices(shape)
    count = np.zeros(shape, int)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        crossed = (min(y0, y1) <= rows) & (rows < max(y0, y1))
        if y0 != y1:
            crossed &= x0 + (rows - y0) * (x1 - x0) / (y1 - y0) > columns
        count += np.where(crossed, int(np.sign(y1 - y0)), 0)
    return count


def check(mask):
    contours = mask_contours(mask)
    joined = join_contours(contours)
    np.testing.assert_array_equal(polygon_mask(joined, mask.shape), mask)
    assert polygon_area(joined) == mask.sum()
    # Filled by others: each contour by skimage at the pixels' centres, the joined one by its winding number.
    by_skimage = [polygon2mask(mask.shape, contour[:, ::-1]) for contour in contours]
    np.testing.assert_array_equal(np.logical_xor.reduce([np.zeros_like(mask), *by_skimage]), mask)
    np.testing.assert_array_equal(winding_number(joined, mask.shape), mask)
    # Clockwise around components connected by sides, counter-clockwise around holes connected by corners.
    clockwise = [signed_area(contour) > 0 for contour in contours]
    assert sum(clockwise) == ndimage.label(mask)[1]
    around = np.pad(~mask, 1, constant_values=True)
    assert len(clockwise) - sum(clockwise) == ndimage.label(around, np.ones((3, 3)))[1] - 1
    for contour in contours:  # corners only: each side is at a right angle to the one before
        sides = np.roll(contour, -1, axis=0) - contour
        assert ((sides == 0).sum(axis=1) == 1).all()
        assert ((sides == 0) != (np.roll(sides, 1, axis=0) == 0)).all()


@given(any_mask)
def test_mask_contours_fill_to_the_mask(mask):
    check(mask)


@pytest.mark.parametrize("name", HARD)
def test_mask_contours_of_difficult_masks_fill_to_the_mask(name):
    check(HARD[name])


@given(mask=any_mask, origin=origins)
def test_mask_contours_restore_the_mask_from_a_contour_file(mask, origin, tmp_path_factory):
    if not mask.any():
        return  # an empty mask cannot be written
    path = tmp_path_factory.getbasetemp() / "IM-0001-0001-icontour-manual.txt"
    write_contour(path, join_contours(mask_contours(mask)), origin=origin)
    np.testing.assert_array_equal(polygon_mask(read_contour(path, origin=origin), mask.shape), mask)


@given(shift=st.tuples(st.integers(0, 30), st.integers(0, 30)), mask=hearts())
def test_mask_contours_move_with_the_mask(shift, mask):
    moved = mask_contours(np.pad(mask, [(n, 0) for n in shift]))
    for there, here in zip(moved, mask_contours(mask), strict=True):
        np.testing.assert_array_equal(there, here + shift[::-1])


def test_join_contours_of_an_empty_mask_has_no_points_and_cannot_be_written(tmp_path):
    nothing = join_contours(mask_contours(np.zeros((4, 4), bool)))
    assert nothing.shape == (0, 2)
    with pytest.raises(ValueError, match="3 points or more"):
        write_contour(tmp_path / "contour.txt", nothing)
    assert not list(tmp_path.iterdir())


def test_mask_contours_restore_masks_of_real_contours_from_files(sunnybrook, tmp_path):
    paths = sorted(sunnybrook.glob("contourfiles/*/*/*.txt"))
    for path in paths:
        mask = polygon_mask(read_contour(path), (256, 256))
        write_contour(tmp_path / path.name, join_contours(mask_contours(mask)))
        np.testing.assert_array_equal(polygon_mask(read_contour(tmp_path / path.name), mask.shape), mask)
    assert len(paths) == 84


def test_mask_contours_restore_a_random_mask_from_a_file(tmp_path):
    mask = np.random.default_rng(0).random((256, 256)) < 0.5
    write_contour(tmp_path / "contour.txt", join_contours(mask_contours(mask)))
    np.testing.assert_array_equal(polygon_mask(read_contour(tmp_path / "contour.txt"), mask.shape), mask)


@given(any_mask)
def test_mask_contours_are_ordered_by_their_first_corners(mask):
    firsts = [(y, x) for x, y in (contour[0] for contour in mask_contours(mask))]
    assert firsts == sorted(firsts)


@given(any_mask)
def test_largest_contour_fills_to_the_largest_component_without_holes(mask):
    contour = largest_contour(mask)
    if not mask.any():
        assert contour.shape == (0, 2)
        return
    component = largest_component(mask)
    if component.sum() > 1:  # the contour of one pixel covers exactly half of it
        np.testing.assert_array_equal(polygon_mask(contour, mask.shape), component)
    # Pixel edges turn right four times more often than left, and each corner cut off is 1/8 pixel.
    assert polygon_area(contour) == pytest.approx(component.sum() - 0.5)
    assert not np.array_equal(contour[0], contour[-1])


@given(masks(), st.integers(0, 4), st.integers(0, 4))
def test_largest_contour_moves_with_the_mask(mask, rows, columns):
    moved = largest_contour(np.pad(mask, ((rows, 0), (columns, 0))))
    np.testing.assert_array_equal(moved, largest_contour(mask) + np.array([columns, rows]))


def test_largest_contour_has_x_along_columns():
    mask = np.zeros((6, 20), bool)
    mask[2:4, 5:15] = True
    contour = largest_contour(mask)
    np.testing.assert_array_equal([contour.min(axis=0), contour.max(axis=0)], [[4.5, 1.5], [14.5, 3.5]])


@pytest.mark.parametrize("trace", [mask_contours, largest_contour])
@pytest.mark.parametrize("mask", [np.full((2, 2), 0.5), np.full((2, 2), 2), np.ones(4, bool), np.ones((2, 2, 1), bool)])
def test_tracing_an_invalid_mask_raises(trace, mask):
    with pytest.raises(ValueError, match="argument `mask"):
        trace(mask)
