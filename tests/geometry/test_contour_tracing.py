import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage
from skimage.draw import polygon2mask

from keras_lvseg.geometry import CONTOUR_ORIGIN, join_contours, mask_contours, polygon_area, polygon_mask
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
    "a part in a hole": np.pad(RING, 3, constant_values=True) ^ np.pad(np.ones((5, 5), bool), 3),
    "checkerboard": np.indices((5, 6)).sum(axis=0) % 2 == 0,
    "holes that touch at a corner": ~np.pad(np.eye(3, dtype=bool), 1),
    "a ring that closes at a corner": np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], bool),
    "parts that touch at a corner": np.kron(np.eye(2, dtype=bool), np.ones((2, 3), bool)),
    "at every side": np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool),
}


def signed_area(points):
    x, y = points.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def winding_number(points, shape):
    """How often the outline goes around each pixel's centre, clockwise: crossings of a ray to the right."""
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
    outline = join_contours(contours)
    np.testing.assert_array_equal(polygon_mask(outline, mask.shape), mask)
    assert polygon_area(outline) == mask.sum()
    # Filled by others: each contour by its pixels' centres, and the joined one by how often it goes around.
    by_skimage = [polygon2mask(mask.shape, contour[:, ::-1]) for contour in contours]
    np.testing.assert_array_equal(np.logical_xor.reduce([np.zeros_like(mask), *by_skimage]), mask)
    np.testing.assert_array_equal(winding_number(outline, mask.shape), mask)
    # Clockwise around parts that hang together by sides, counter-clockwise around holes that do by corners.
    clockwise = [signed_area(contour) > 0 for contour in contours]
    assert sum(clockwise) == ndimage.label(mask)[1]
    around = np.pad(~mask, 1, constant_values=True)
    assert len(clockwise) - sum(clockwise) == ndimage.label(around, np.ones((3, 3)))[1] - 1
    for contour in contours:  # corners only: every side turns by a right angle from the one before
        sides = np.roll(contour, -1, axis=0) - contour
        assert ((sides == 0).sum(axis=1) == 1).all()
        assert ((sides == 0) != (np.roll(sides, 1, axis=0) == 0)).all()


@given(any_mask)
def test_contours_fill_to_the_mask(mask):
    check(mask)


@pytest.mark.parametrize("name", HARD)
def test_contours_fill_to_the_hardest_masks(name):
    check(HARD[name])


@given(mask=any_mask, origin=origins)
def test_a_contour_file_keeps_the_mask(mask, origin, tmp_path_factory):
    if not mask.any():
        return  # which no file can tell
    path = tmp_path_factory.getbasetemp() / "IM-0001-0001-icontour-manual.txt"
    write_contour(path, join_contours(mask_contours(mask)), origin=origin)
    np.testing.assert_array_equal(polygon_mask(read_contour(path, origin=origin), mask.shape), mask)


@given(shift=st.tuples(st.integers(0, 30), st.integers(0, 30)), mask=hearts())
@settings(max_examples=20)
def test_contours_move_with_the_mask(shift, mask):
    moved = mask_contours(np.pad(mask, [(n, 0) for n in shift]))
    for there, here in zip(moved, mask_contours(mask), strict=True):
        np.testing.assert_array_equal(there, here + shift[::-1])


def test_an_empty_mask_has_no_contour_and_no_file(tmp_path):
    nothing = join_contours(mask_contours(np.zeros((4, 4), bool)))
    assert nothing.shape == (0, 2)
    with pytest.raises(ValueError, match="3 points or more"):
        write_contour(tmp_path / "contour.txt", nothing)
    assert not list(tmp_path.iterdir())


def test_masks_of_real_contours_come_back_from_files(sunnybrook, tmp_path):
    paths = sorted(sunnybrook.glob("contourfiles/*/*/*.txt"))
    for path in paths:
        mask = polygon_mask(read_contour(path), (256, 256))
        write_contour(tmp_path / path.name, join_contours(mask_contours(mask)))
        np.testing.assert_array_equal(polygon_mask(read_contour(tmp_path / path.name), mask.shape), mask)
    assert len(paths) == 84


def test_a_mask_of_noise_comes_back_from_a_file(tmp_path):
    mask = np.random.default_rng(0).random((256, 256)) < 0.5
    write_contour(tmp_path / "contour.txt", join_contours(mask_contours(mask)))
    np.testing.assert_array_equal(polygon_mask(read_contour(tmp_path / "contour.txt"), mask.shape), mask)


@pytest.mark.parametrize("mask", [np.full((2, 2), 0.5), np.full((2, 2), 2), np.ones(4, bool), np.ones((2, 2, 1), bool)])
def test_what_is_no_mask_is_refused(mask):
    with pytest.raises(ValueError, match="argument `mask"):
        mask_contours(mask)
