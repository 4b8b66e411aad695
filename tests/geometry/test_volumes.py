import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.geometry import ejection_fraction, slice_extents, stack_volume

areas = st.lists(st.floats(0, 1e4), max_size=20)
spacings = st.floats(0.1, 20)


@given(radius=st.floats(10, 60), spacing=st.floats(0.1, 1))
def test_stack_volume_of_slices_of_a_ball_is_its_volume(radius, spacing):
    heights = np.arange(-radius, radius, spacing) + spacing / 2
    slices = np.pi * np.clip(radius**2 - heights**2, 0, None)
    millilitres = 4 / 3 * np.pi * (radius / 10) ** 3  # by centimetres
    assert stack_volume(slices, spacing) == pytest.approx(millilitres, rel=0.01)


@given(areas, spacings)
def test_stack_volume_does_not_depend_on_order_or_empty_slices(slices, spacing):
    volume = stack_volume(slices, spacing)
    assert stack_volume([0.0, *slices[::-1], 0.0], spacing) == pytest.approx(volume)
    assert stack_volume(slices, 2 * spacing) == pytest.approx(2 * volume)


@given(steps=st.lists(st.floats(1, 30), min_size=1, max_size=12), start=st.floats(-100, 100))
def test_slice_extents_fill_the_stack_and_do_not_depend_on_direction(steps, start):
    positions = start + np.cumsum([0.0, *steps])
    extents = slice_extents(positions)
    # From half a step before the first centre to half a step behind the last one.
    assert extents.sum() == pytest.approx(positions[-1] - positions[0] + (steps[0] + steps[-1]) / 2)
    np.testing.assert_allclose(slice_extents(positions[::-1])[::-1], extents)
    np.testing.assert_allclose(slice_extents(-positions), extents)


@given(radius=st.floats(20, 60), seed=st.integers(0, 2**32 - 1))
def test_volume_of_uneven_slices_of_a_ball_is_its_volume(radius, seed):
    steps = np.random.default_rng(seed).uniform(0.2, 1.5, 400)
    heights = np.cumsum(steps) - steps.sum() / 2
    areas = np.pi * np.clip(radius**2 - heights**2, 0, None)
    assert stack_volume(areas, slice_extents(heights)) == pytest.approx(4 / 3 * np.pi * (radius / 10) ** 3, rel=0.01)


@pytest.mark.parametrize("positions", [[], [1.0], [0, 1, 1], [0, 2, 1], [0, np.nan], [[0, 1], [2, 3]]])
def test_slice_extents_with_invalid_positions_raises(positions):
    with pytest.raises(ValueError, match=r"`positions_mm`\. Expected two or more finite numbers"):
        slice_extents(positions)


@given(edv=st.floats(1, 500), part=st.floats(0, 1.5))
def test_ejection_fraction_is_the_percentage_of_the_volume_lost(edv, part):
    assert ejection_fraction(edv, edv * part) == pytest.approx(100 - 100 * part, abs=1e-9)


@pytest.mark.parametrize(
    ("slices", "spacing", "message"),
    [
        ([10, -1], 8, "`areas_mm2`. Expected finite"),
        ([10, float("nan")], 8, "`areas_mm2`. Expected finite"),
        ([10], 0, "`slice_spacing_mm`. Expected a positive"),
        ([10], float("inf"), "`slice_spacing_mm`. Expected a positive"),
        ([10, 10], [8, 0], "`slice_spacing_mm`. Expected a positive"),
        ([10, 10], [8, 8, 8], "`slice_spacing_mm`. Expected a positive"),
    ],
)
def test_stack_volume_with_an_invalid_argument_raises(slices, spacing, message):
    with pytest.raises(ValueError, match=message):
        stack_volume(slices, spacing)


@pytest.mark.parametrize(("edv", "esv"), [(0, 0), (-10, 5), (100, -1), (float("nan"), 5), (100, float("inf"))])
def test_ejection_fraction_with_an_invalid_argument_raises(edv, esv):
    with pytest.raises(ValueError, match=r"`e[ds]v_ml`. Expected a"):
        ejection_fraction(edv, esv)
