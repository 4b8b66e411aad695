import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from keras_lvseg.evaluation import average_symmetric_surface_distance, hausdorff_distance, surface_distances
from keras_lvseg.testing import mask_pairs

ASSD = average_symmetric_surface_distance
EMPTY, FULL = np.zeros((3, 4), bool), np.ones((3, 4), bool)

spacings = st.tuples(st.floats(0.3, 10), st.floats(0.3, 10))


def hd95(mask_a, mask_b, *, spacing):
    return hausdorff_distance(mask_a, mask_b, spacing=spacing, percentile=95)


every_distance = pytest.mark.parametrize("distance", [ASSD, hausdorff_distance, hd95])


def solids():
    """Pairs of 3-D masks."""
    mask = npst.arrays(bool, (3, 5, 4))
    return st.tuples(mask, mask)


@every_distance
@given(pair=st.one_of(mask_pairs(), solids()), numbers=st.tuples(*[st.floats(0.3, 10)] * 3))
def test_distance_is_symmetric_nonnegative_and_zero_for_equal_masks(distance, pair, numbers):
    a, b = pair
    spacing = numbers[: a.ndim]
    assert distance(a, b, spacing=spacing) == distance(b, a, spacing=spacing) >= 0
    assert distance(a, a, spacing=spacing) == distance(b, b, spacing=spacing) == 0


@given(pair=mask_pairs(), spacing=spacings)
def test_hausdorff_distance_is_zero_only_for_equal_surfaces(pair, spacing):
    a, b = pair
    there, back = surface_distances(a, b, spacing=spacing)
    assert (hausdorff_distance(a, b, spacing=spacing) == 0) == (not there.any() and not back.any())
    assert there.size > 0 or not a.any()
    assert back.size > 0 or not b.any()


@every_distance
@given(pair=mask_pairs(), spacing=spacings, factor=st.floats(0.1, 10))
def test_distance_scales_with_spacing(distance, pair, spacing, factor):
    scaled = distance(*pair, spacing=np.array(spacing) * factor)
    assert scaled == pytest.approx(factor * distance(*pair, spacing=spacing), rel=1e-9)


@every_distance
@given(pair=mask_pairs(), spacing=spacings, rows=st.integers(0, 5), columns=st.integers(0, 5))
def test_distance_is_invariant_to_translation_of_both_masks(distance, pair, spacing, rows, columns):
    moved = [np.pad(mask, ((rows, 7), (columns, 3))) for mask in pair]
    assert distance(*moved, spacing=spacing) == distance(*pair, spacing=spacing)


@every_distance
@given(pair=mask_pairs((8, 11)), spacing=spacings)
def test_distance_of_transposed_masks_and_spacing_is_the_same(distance, pair, spacing):
    turned = distance(*(mask.T for mask in pair), spacing=spacing[::-1])
    assert turned == pytest.approx(distance(*pair, spacing=spacing), rel=1e-9)


@given(pair=mask_pairs(), other=mask_pairs(), spacing=spacings)
def test_hausdorff_distance_obeys_the_triangle_inequality(pair, other, spacing):
    (a, b), c = pair, other[0]
    assume(c.any())
    detour = hausdorff_distance(a, c, spacing=spacing) + hausdorff_distance(c, b, spacing=spacing)
    assert hausdorff_distance(a, b, spacing=spacing) <= detour * (1 + 1e-12)


@given(pair=mask_pairs(), spacing=spacings, percentiles=st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)))
def test_hausdorff_distance_increases_with_the_percentile(pair, spacing, percentiles):
    low, high = (
        hausdorff_distance(*pair, spacing=spacing, percentile=percentile) for percentile in sorted(percentiles)
    )
    assert low <= high * (1 + 1e-12) <= hausdorff_distance(*pair, spacing=spacing) * (1 + 1e-12)
    assert ASSD(*pair, spacing=spacing) <= hausdorff_distance(*pair, spacing=spacing) * (1 + 1e-12)


@every_distance
@given(shift=st.integers(0, 8))
def test_distance_increases_with_the_shift_of_a_block(distance, shift):
    block = np.zeros((9, 20), bool)
    block[2:7, 1:6] = True
    moved = [np.roll(block, by, axis=1) for by in (shift, shift + 1)]
    assert distance(block, moved[0], spacing=(2.0, 1.5)) < distance(block, moved[1], spacing=(2.0, 1.5))


@every_distance
def test_distance_between_bars_equals_the_known_value(distance):
    a, b = np.zeros((2, 30, 40), bool)
    a[3, 5:35] = True
    b[10, 5:35] = True
    assert distance(a, b, spacing=(1.25, 0.8)) == 7 * 1.25
    assert distance(a.T, b.T, spacing=(0.8, 1.25)) == 7 * 1.25


def test_surface_distances_of_neighbouring_squares_equal_the_known_values():
    a, b = np.zeros((2, 5, 6), bool)
    a[1:4, 1:4] = True  # a surface of 8 pixels, for the one in the middle has all its neighbours
    b[1:4, 2:5] = True
    there, back = surface_distances(a, b, spacing=(3.0, 2.0))
    assert there.tolist() == [2, 0, 0, 2, 2, 2, 0, 0]  # row by row; the middle of a's right side lies inside b
    assert back.tolist() == [0, 0, 2, 2, 2, 0, 0, 2]
    assert ASSD(a, b, spacing=(3.0, 2.0)) == 1.0


def test_surface_distances_count_the_edge_of_the_array_as_surface():
    assert [d.size for d in surface_distances(FULL, FULL, spacing=(1, 1))] == [10, 10]
    assert [d.size for d in surface_distances(FULL[None], FULL[None], spacing=(1, 1, 1))] == [12, 12]


def test_assd_is_the_mean_of_all_distances_and_not_of_two_means():
    a, b = np.zeros((2, 1, 4), bool)
    a[0, 0] = True
    b[0, 2:] = True
    assert ASSD(a, b, spacing=(1, 1)) == pytest.approx((2 + 2 + 3) / 3)


def test_hd95_takes_the_percentile_of_each_direction_separately():
    a, b = np.zeros((2, 1, 100), bool)
    a[0] = True
    b[0, 0] = True
    assert hd95(a, b, spacing=(1, 1)) == pytest.approx(0.95 * 99)
    assert hd95(b, a, spacing=(1, 1)) == pytest.approx(0.95 * 99)


@every_distance
def test_distance_of_empty_masks_is_zero_and_to_one_empty_mask_infinite(distance):
    assert distance(EMPTY, EMPTY, spacing=(1, 1)) == 0
    assert distance(EMPTY, FULL, spacing=(1, 1)) == distance(FULL, EMPTY, spacing=(1, 1)) == math.inf


def test_surface_distances_of_an_empty_mask_are_none_and_towards_it_infinite():
    assert [d.tolist() for d in surface_distances(EMPTY, EMPTY, spacing=(1, 1))] == [[], []]
    assert [d.tolist() for d in surface_distances(FULL, EMPTY, spacing=(1, 1))] == [[math.inf] * 10, []]
    assert [d.tolist() for d in surface_distances(EMPTY, FULL, spacing=(1, 1))] == [[], [math.inf] * 10]


def test_hausdorff_distance_of_zeros_and_ones_equals_that_of_booleans():
    a, b = np.eye(4), np.eye(4)[::-1]
    expected = hausdorff_distance(a.astype(bool), b.astype(bool), spacing=(1, 2))
    assert hausdorff_distance(a.astype("uint8"), b.astype("float32"), spacing=(1, 2)) == expected > 0


@every_distance
@pytest.mark.parametrize(
    ("a", "b", "spacing", "message"),
    [
        (FULL, FULL[:2], (1, 1), r"`mask_b.shape`. Expected \(3, 4\), .* Received: mask_b.shape=\(2, 4\)"),
        (FULL[0], FULL[0], (1,), r"`mask_a.shape`. Expected 2 or 3 axes. Received: mask_a.shape=\(4,\)"),
        (FULL[None, None], FULL[None, None], (1,) * 4, "`mask_a.shape`. Expected 2 or 3 axes"),
        (FULL, FULL * 2, (1, 1), r"`mask_b`. Expected booleans, .* Received: mask_b=\[2\]"),
        (FULL * 0.5, FULL, (1, 1), "`mask_a`. Expected booleans, .* labels == class_id"),
        (FULL * math.nan, FULL, (1, 1), "`mask_a`. Expected booleans"),
        (FULL, FULL, 1.0, "`spacing`. Expected a positive number of mm for each of 2 axes. Received: spacing=1.0"),
        (FULL, FULL, (1, 1, 1), "each of 2 axes"),
        (FULL[None], FULL[None], (1, 1), "each of 3 axes"),
        (FULL, FULL, (1, 0), "positive"),
        (FULL, FULL, (1, -1), "positive"),
        (FULL, FULL, (1, math.nan), "positive"),
        (FULL, FULL, (1, math.inf), "positive"),
    ],
)
def test_distance_with_an_invalid_argument_raises(distance, a, b, spacing, message):
    with pytest.raises(ValueError, match=message):
        distance(a, b, spacing=spacing)


@pytest.mark.parametrize("percentile", [0, -1, 100.1, math.nan])
def test_hausdorff_distance_with_an_invalid_percentile_raises(percentile):
    with pytest.raises(ValueError, match=r"`percentile`. Expected a number above 0 .* Received: percentile="):
        hausdorff_distance(FULL, FULL, spacing=(1, 1), percentile=percentile)


def test_hausdorff_distance_without_spacing_raises():
    with pytest.raises(TypeError, match="spacing"):
        hausdorff_distance(FULL, FULL)
