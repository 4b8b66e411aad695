import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from keras_lvseg.geometry import largest_contour, polygon_area, polygon_mask
from keras_lvseg.testing import hearts, masks


def largest_piece(mask):
    """The pieces by flooding, pixel after pixel; the first of the largest."""
    left, pieces = {tuple(pixel) for pixel in np.argwhere(mask).tolist()}, []
    for start in sorted(left):
        piece, edge = set(), {start} & left
        while edge:
            piece |= edge
            left -= edge
            beside = {(r + dr, c + dc) for r, c in edge for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))}
            edge = beside & left
        pieces.append(piece)
    filled = np.zeros_like(mask)
    for pixel in max(pieces, key=len):
        filled[pixel] = True
    return filled


@given(st.one_of(masks(), hearts()))
def test_filling_the_outline_gives_the_largest_piece_back_without_its_holes(mask):
    outline = largest_contour(mask)
    if not mask.any():
        assert outline.shape == (0, 2)
        return
    solid = ndimage.binary_fill_holes(largest_piece(mask))
    if solid.sum() > 1:  # one pixel's outline covers exactly a half of it
        np.testing.assert_array_equal(polygon_mask(outline, mask.shape), solid)
    # The pixels' own border turns right four times more often than left; each corner cut off is an eighth of a pixel.
    assert polygon_area(outline) == pytest.approx(solid.sum() - 0.5)
    assert not np.array_equal(outline[0], outline[-1])


@given(masks(), st.integers(0, 4), st.integers(0, 4))
def test_moves_with_the_mask(mask, rows, columns):
    moved = largest_contour(np.pad(mask, ((rows, 0), (columns, 0))))
    np.testing.assert_array_equal(moved, largest_contour(mask) + np.array([columns, rows]))


def test_x_is_the_column():
    mask = np.zeros((6, 20), bool)
    mask[2:4, 5:15] = True
    outline = largest_contour(mask)
    np.testing.assert_array_equal([outline.min(axis=0), outline.max(axis=0)], [[4.5, 1.5], [14.5, 3.5]])


@pytest.mark.parametrize("mask", [np.ones((2, 2, 2)), np.ones(4), np.full((2, 2), 2)])
def test_ill_arguments(mask):
    with pytest.raises(ValueError, match="argument `mask"):
        largest_contour(mask)
