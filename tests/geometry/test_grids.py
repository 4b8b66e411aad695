import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import ndimage

from keras_lvseg.geometry import NetworkGrid

sizes = st.tuples(st.integers(1, 23), st.integers(1, 23))
spacings = st.floats(0.3, 4.0)
axes = st.sampled_from([(0,), (1,), (0, 1)])


@given(native=sizes, size=sizes)
def test_grid_without_resampling_loses_only_what_is_cropped(native, size):
    image = 1.0 + np.arange(np.prod(native)).reshape(native)
    grid = NetworkGrid(native, (1.3, 1.3), size)
    there = grid.to_network(image)
    assert there.shape == size
    back = grid.to_native(there, fill=-1.0)
    assert back.shape == native
    seen = back != -1
    # An odd crop leaves out its row or column without a mirror image.
    rows, columns = (min(n, s - (s < n and (n - s) % 2)) for n, s in zip(native, size, strict=True))
    assert seen.sum() == rows * columns
    np.testing.assert_array_equal(back[seen], image[seen])


@given(native=sizes, size=sizes)
def test_points_without_resampling_move_with_the_pixels(native, size):
    rows, columns = np.mgrid[: native[0], : native[1]] + 1.0
    grid = NetworkGrid(native, (1.0, 1.0), size)
    for y, x in np.argwhere(grid.to_network(rows) > 0):
        native_point = [[grid.to_network(columns)[y, x] - 1, grid.to_network(rows)[y, x] - 1]]
        np.testing.assert_allclose(grid.points_to_network(native_point), [[x, y]])


@given(sizes, sizes, st.tuples(spacings, spacings), st.none() | spacings, axes, st.integers(0, 100))
@example((3, 3), (3, 3), (1.0, 1.0), 1.0, (0, 1), 0)
def test_grid_of_a_mirrored_frame_is_mirrored_there_and_back(native, size, spacing, pixel_spacing, mirrored, seed):
    random = np.random.default_rng(seed)
    image, scores = random.normal(size=native).astype(np.float32), random.random(size, np.float32)
    grid = NetworkGrid(native, spacing, size, pixel_spacing)
    there = grid.to_network(image)
    there_and_back = grid.to_native(np.float32(there > 0.1))
    np.testing.assert_array_equal(
        grid.to_native(np.float32(grid.to_network(np.flip(image, mirrored)) > 0.1)), np.flip(there_and_back, mirrored)
    )
    assume(pixel_spacing is not None or all((n - s) % 2 == 0 for n, s in zip(native, size, strict=True)))
    np.testing.assert_array_equal(grid.to_network(np.flip(image, mirrored)), np.flip(there, mirrored))
    np.testing.assert_array_equal(
        grid.to_native(np.flip(scores, mirrored), fill=0.3), np.flip(grid.to_native(scores, fill=0.3), mirrored)
    )
    point = random.uniform(0, 20, (1, 2))
    flips = [axis in mirrored for axis in (1, 0)]  # of x and y
    mirrored_point = np.where(flips, np.array(native[::-1]) - 1 - point, point)
    expected = grid.points_to_network(point)
    expected = np.where(flips, np.array(size[::-1]) - 1 - expected, expected)
    np.testing.assert_allclose(grid.points_to_network(mirrored_point), expected, atol=1e-9)


@given(sizes, sizes, axes)
def test_grid_with_an_odd_difference_of_a_mirrored_frame_is_shifted_by_one_pixel(native, size, mirrored):
    image = 1.0 + np.arange(np.prod(native)).reshape(native)
    grid = NetworkGrid(native, (1.0, 1.0), size)
    shift = [int(axis in mirrored and (native[axis] - size[axis]) % 2) for axis in range(2)]
    there, other = np.flip(grid.to_network(image), mirrored), grid.to_network(np.flip(image, mirrored))
    kept = tuple(slice(s, None) for s in shift), tuple(slice(None, n - s) for n, s in zip(size, shift, strict=True))
    np.testing.assert_array_equal(there[kept[1]], other[kept[0]])


@given(sizes, sizes, st.tuples(spacings, spacings), spacings, st.integers(0, 100))
def test_resampling_of_any_image_equals_scipy(native, size, spacing, pixel_spacing, seed):
    image = np.random.default_rng(seed).normal(size=size)
    grid = NetworkGrid(native, spacing, size, pixel_spacing)
    step = np.array(spacing) / pixel_spacing
    offset = (np.array(size) - 1) / 2 - (np.array(native) - 1) / 2 * step
    options = {"order": 1, "mode": "grid-constant", "cval": 0.3}
    expected = ndimage.affine_transform(image, step, offset, native, **options)
    np.testing.assert_allclose(grid.to_native(image, fill=0.3), expected, atol=1e-9)


@pytest.mark.parametrize("spacing", [0.7, 1.0, 1.9])
@pytest.mark.parametrize("native_spacing", [(1.4, 1.4), (1.0, 1.6)])
def test_resampling_of_a_blob_keeps_its_place_in_millimetres(spacing, native_spacing):
    native = (60, 72)
    rows, columns = np.mgrid[: native[0], : native[1]].astype(float)
    blob = np.exp(-((rows - 25.3) ** 2 + (columns - 40.8) ** 2) / 50)
    grid = NetworkGrid(native, native_spacing, (96, 112), pixel_spacing=spacing)
    moved = grid.to_network(blob)
    y, x = np.unravel_index(np.argmax(moved), moved.shape)
    np.testing.assert_allclose(grid.points_to_network([[40.8, 25.3]]), [[x, y]], atol=0.75)
    assert moved.sum() * spacing**2 == pytest.approx(blob.sum() * np.prod(native_spacing), rel=0.02)


@pytest.mark.parametrize("spacing", [0.9, 1.4, 1.8])
def test_resampling_of_a_smooth_image_there_and_back_is_nearly_the_same(spacing):
    rows, columns = np.mgrid[:64, :64].astype(float)
    smooth = np.sin(rows / 9) + np.cos(columns / 11)
    grid = NetworkGrid((64, 64), (1.2, 1.2), (128, 128), pixel_spacing=spacing)
    back = grid.to_native(grid.to_network(smooth))
    assert np.abs(back - smooth)[4:-4, 4:-4].max() < 0.03
