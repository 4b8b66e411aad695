import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.geometry import NetworkGrid

sizes = st.tuples(st.integers(1, 23), st.integers(1, 23))


@given(native=sizes, size=sizes)
def test_cropping_and_padding_lose_only_what_is_cut_away(native, size):
    image = 1.0 + np.arange(np.prod(native)).reshape(native)
    grid = NetworkGrid(native, (1.3, 1.3), size)
    there = grid.from_native(image)
    assert there.shape == size
    back = grid.to_native(there, fill=-1.0)
    assert back.shape == native
    seen = back != -1
    assert seen.sum() == min(native[0], size[0]) * min(native[1], size[1])
    np.testing.assert_array_equal(back[seen], image[seen])


@given(native=sizes, size=sizes)
def test_points_move_with_the_pixels(native, size):
    rows, columns = np.mgrid[: native[0], : native[1]] + 1.0
    grid = NetworkGrid(native, (1.0, 1.0), size)
    for y, x in np.argwhere(grid.from_native(rows) > 0):
        native_point = [[grid.from_native(columns)[y, x] - 1, grid.from_native(rows)[y, x] - 1]]
        np.testing.assert_allclose(grid.points_from_native(native_point), [[x, y]])


@pytest.mark.parametrize("spacing", [0.7, 1.0, 1.9])
@pytest.mark.parametrize("native_spacing", [(1.4, 1.4), (1.0, 1.6)])
def test_resampling_keeps_places_in_millimetres(spacing, native_spacing):
    native = (60, 72)
    rows, columns = np.mgrid[: native[0], : native[1]].astype(float)
    blob = np.exp(-((rows - 25.3) ** 2 + (columns - 40.8) ** 2) / 50)
    grid = NetworkGrid(native, native_spacing, (96, 112), pixel_spacing=spacing)
    moved = grid.from_native(blob)
    y, x = np.unravel_index(np.argmax(moved), moved.shape)
    np.testing.assert_allclose(grid.points_from_native([[40.8, 25.3]]), [[x, y]], atol=0.75)
    assert moved.sum() * spacing**2 == pytest.approx(blob.sum() * np.prod(native_spacing), rel=0.02)


@pytest.mark.parametrize("spacing", [0.9, 1.4, 1.8])
def test_there_and_back_is_nearly_the_same(spacing):
    rows, columns = np.mgrid[:64, :64].astype(float)
    smooth = np.sin(rows / 9) + np.cos(columns / 11)
    grid = NetworkGrid((64, 64), (1.2, 1.2), (128, 128), pixel_spacing=spacing)
    back = grid.to_native(grid.from_native(smooth))
    assert np.abs(back - smooth)[4:-4, 4:-4].max() < 0.03
