import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from keras_lvseg.geometry import image_centre, slice_indices, slice_normal


@given(seed=st.integers(0, 2**32 - 1), spacing=st.floats(2, 15), present=st.sets(st.integers(0, 15), min_size=3))
def test_slice_indices_of_an_oblique_stack_restore_spacing_and_order(seed, spacing, present):
    rotation = Rotation.random(rng=seed).as_matrix()
    normal = slice_normal(rotation[:2].ravel())
    np.testing.assert_allclose(np.abs(normal), np.abs(rotation[2]), atol=1e-9)
    steps = np.array(sorted(present)) - min(present)
    if 1 not in np.diff(steps):  # no two neighbours: the true spacing cannot be known
        return
    positions = np.random.default_rng(seed).normal(size=3) * 100 + steps[:, None] * spacing * normal
    indices, found = slice_indices(np.round(positions, 3) @ normal)
    assert found == pytest.approx(spacing, abs=0.01)
    assert indices.tolist() == steps.tolist()


def test_slice_indices_of_frames_of_one_slice_are_equal():
    indices, spacing = slice_indices(np.array([3.0, 3.0, 11.0, 3.001]))
    assert indices.tolist() == [0, 0, 1, 0]
    assert spacing == pytest.approx(8, abs=0.01)


def test_slice_indices_of_a_single_slice_has_no_spacing():
    indices, spacing = slice_indices(np.array([5.0, 5.0]))
    assert indices.tolist() == [0, 0]
    assert spacing is None


def test_slice_indices_of_uneven_slices_are_ranks():
    indices, spacing = slice_indices(np.array([20.0, 0.0, 8.0, 32.0]))
    assert indices.tolist() == [2, 0, 1, 3]
    assert spacing == pytest.approx(12)


def test_slice_indices_of_breath_holds_tolerate_a_millimetre():
    indices, spacing = slice_indices(np.array([0.0, 10.3, 19.8, 40.5]))
    assert indices.tolist() == [0, 1, 2, 4]
    assert spacing == pytest.approx(40.5 / 4)


def test_image_centre_does_not_depend_on_the_field_of_view():
    rotation = Rotation.from_euler("xyz", (0.3, -0.4, 1.2)).as_matrix()
    small = image_centre((1, 2, 3), rotation[:2].ravel(), (1.5, 1.25), (101, 51))
    corner = np.array((1, 2, 3)) - 10 * 1.25 * rotation[0] - 20 * 1.5 * rotation[1]
    np.testing.assert_allclose(image_centre(corner, rotation[:2].ravel(), (1.5, 1.25), (141, 71)), small)


@pytest.mark.parametrize("orientation", [(1, 0, 0, 1, 0, 0), (2, 0, 0, 0, 1, 0), (0, 0, 0, 0, 0, 0)])
def test_slice_normal_of_an_impossible_orientation_raises(orientation):
    with pytest.raises(ValueError, match="perpendicular unit vectors"):
        slice_normal(orientation)
