import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from keras_lvseg.geometry import largest_component
from keras_lvseg.testing import hearts, masks

SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0))
CORNERS = (*SIDES, (1, 1), (1, -1), (-1, 1), (-1, -1))
any_mask = st.one_of(masks(), hearts())


def flood(mask, neighbours):
    """Return the components as sets of pixels, in the order of their first pixels."""
    left, components = {tuple(pixel) for pixel in np.argwhere(mask).tolist()}, []
    for start in sorted(left):
        component, front = set(), {start} & left
        while front:
            component |= front
            left -= front
            front = {(r + dr, c + dc) for r, c in front for dr, dc in neighbours} & left
        components.append(component)
    return components


@pytest.mark.parametrize(("connectivity", "neighbours"), [(1, SIDES), (2, CORNERS)])
@given(any_mask, st.data())
def test_largest_component_is_the_first_of_the_heaviest(connectivity, neighbours, mask, data):
    weights = data.draw(st.none() | npst.arrays(np.int64, mask.shape, elements=st.integers(-3, 5)))
    found = largest_component(mask, weights=weights, connectivity=connectivity)
    assert found.dtype == bool
    expected = np.zeros_like(mask)
    components = [component for component in flood(mask, neighbours) if component]
    if components:
        weight_of = np.ones(mask.shape, int) if weights is None else weights
        heaviest = max(components, key=lambda component: sum(weight_of[pixel] for pixel in component))
        expected[tuple(np.transpose(sorted(heaviest)))] = True
    np.testing.assert_array_equal(found, ndimage.binary_fill_holes(expected))


@given(any_mask)
def test_largest_component_of_zeros_and_ones_equals_that_of_booleans(mask):
    for dtype in (np.uint8, float):
        np.testing.assert_array_equal(largest_component(mask.astype(dtype)), largest_component(mask))


@pytest.mark.parametrize("mask", [np.ones((2, 2, 2)), np.ones(4), np.full((2, 2), 2)])
def test_largest_component_of_an_invalid_mask_raises(mask):
    with pytest.raises(ValueError, match="argument `mask"):
        largest_component(mask)
