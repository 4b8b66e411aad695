import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from keras_lvseg.data import Augmentation, columns
from keras_lvseg.data.changes import apply_change, read_places
from keras_lvseg.data.fields import spline_weights

SIZE = (40, 48)


def random_pair(size=SIZE, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(*size, 1)).astype(np.float32), random.integers(0, 3, (*size, 1)).astype(np.uint8)


def disc(row, column, radius=6):
    rows, cols = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((rows - row) ** 2 + (cols - column) ** 2 < radius**2)[..., None]


def change(seed=5, size=SIZE, **ranges):
    return Augmentation(**ranges).draw(seed, epoch=0, count=1, image_size=size)[0]


def by_matrix(*numbers):
    """A change that only moves."""
    row = change()
    row[columns.MATRIX] = numbers
    return row


def test_no_range_is_no_change():
    image, label = random_pair()
    moved, moved_label = apply_change(image, label, change())
    np.testing.assert_array_equal(moved, image)
    np.testing.assert_array_equal(moved_label, label)
    assert (moved.dtype, moved_label.dtype) == (np.float32, np.uint8)


@pytest.mark.parametrize("size", [(32, 32), (33, 33), (1, 1)])
def test_mirrors_and_quarter_turns_are_numpy_s(size):
    image, label = random_pair(size)
    end = size[0] - 1
    cos, sin = np.cos(np.pi / 2), np.sin(np.pi / 2)  # the first is not 0
    cases = [
        ((-1, 0, end, 0, 1, 0), np.fliplr),
        ((1, 0, 0, 0, -1, end), np.flipud),
        ((cos, -sin, end, sin, cos, 0), np.rot90),
        ((-1, -cos, end, cos, -1, end), lambda array: np.rot90(array, 2)),
    ]
    for matrix, expected in cases:
        moved, moved_label = apply_change(image, label, by_matrix(*matrix))
        np.testing.assert_allclose(moved, expected(image), atol=1e-6)
        np.testing.assert_array_equal(moved_label, expected(label))


def test_a_flip_is_drawn_half_of_the_time_and_is_exact():
    image, label = random_pair()
    rows = Augmentation(flip=True).draw(seed=0, epoch=0, count=40, image_size=SIZE)
    mirrored = 0
    for row in rows:
        moved, moved_label = apply_change(image, label, row)
        turned = np.array_equal(moved, np.fliplr(image)) and np.array_equal(moved_label, np.fliplr(label))
        assert turned or (np.array_equal(moved, image) and np.array_equal(moved_label, label))
        mirrored += turned
    assert 10 < mirrored < 30


@given(st.integers(0, 1000))
def test_the_matrix_is_scipy_s_affine_transform(seed):
    image, label = random_pair(seed=seed)
    row = change(seed, rotation=180, scale=0.3, shift=5, flip=True)
    a, b, c, d, e, f = row[columns.MATRIX].astype(float)
    moved, moved_label = apply_change(image, label, row)
    for ours, array, order in ((moved, image, 1), (moved_label, label, 0)):
        matrix, offset = [[e, d], [b, a]], [f, c]  # rows first there
        theirs = ndimage.affine_transform(array[..., 0], matrix, offset, order=order, mode="nearest")
        np.testing.assert_allclose(ours[..., 0], theirs, atol=1e-5)


@given(st.integers(0, 1000))
def test_image_and_label_move_together(seed):
    inside = disc(18, 26)
    row = change(seed, rotation=180, scale=0.3, shift=5, flip=True, elastic=0.3)
    moved, label = apply_change(inside.astype(np.float32), inside.astype(np.uint8), row)
    clear = np.abs(moved - 0.5) > 0.45
    np.testing.assert_array_equal(label[clear], moved[clear] > 0.5)
    assert set(np.unique(label)) <= {0, 1}
    assert label.any()


@given(st.integers(0, 1000))
def test_areas_grow_by_the_scale_and_the_centre_stays(seed):
    row = change(seed, rotation=180, scale=0.3, flip=True)
    centre = (np.array(SIZE) - 1) / 2
    inside = disc(*centre, radius=8)
    moved, label = apply_change(inside.astype(np.float32), inside.astype(np.uint8), row)
    np.testing.assert_allclose(ndimage.center_of_mass(moved[..., 0]), centre, atol=0.05)
    grown = 1 / abs(np.linalg.det(row[columns.MATRIX].reshape(2, 3)[:, :2]))
    assert moved.sum() == pytest.approx(inside.sum() * grown, rel=0.02)
    assert label.sum() == pytest.approx(inside.sum() * grown, rel=0.12)  # whole pixels, along the whole outline
    assert 1 / 1.3**2 - 1e-6 <= grown <= 1.3**2 + 1e-6


@given(st.integers(0, 1000))
def test_a_shift_moves_by_pixels_and_keeps_the_area(seed):
    row = change(seed, shift=5)
    inside = disc(20, 24)
    moved, label = apply_change(inside.astype(np.float32), inside.astype(np.uint8), row)
    shift = -row[columns.MATRIX].reshape(2, 3)[::-1, 2]  # of rows, of columns
    assert np.abs(shift).max() <= 5
    expected = np.array(ndimage.center_of_mass(inside[..., 0])) + shift
    np.testing.assert_allclose(ndimage.center_of_mass(moved[..., 0]), expected, atol=0.01)
    assert (moved.sum(), label.sum()) == (pytest.approx(inside.sum(), rel=1e-4), inside.sum())


@given(st.integers(0, 1000), st.sampled_from([(64, 64), (200, 90)]), st.booleans())
def test_no_elastic_deformation_folds_the_image(seed, size, extreme):
    row = change(seed, size, elastic=0.48, rotation=180, scale=0.3)
    if extreme:  # every point as far out as it gets
        limits = np.repeat([0.48 * (length - 1) / 4 for length in size[::-1]], columns.ELASTIC_POINTS**2)
        row[columns.ELASTIC] = np.copysign(limits, row[columns.ELASTIC])
    assert jacobian(row, size).min() > 0


def jacobian(row, size):
    (y_down, y_right), (x_down, x_right) = (np.gradient(place) for place in read_places(row, size))
    return x_right * y_down - x_down * y_right


@pytest.mark.parametrize(("part", "folds"), [(0.48, False), (0.51, True)])
def test_the_limit_of_elastic_deformation_is_where_the_worst_grid_begins_to_fold(part, folds):
    size, place = (401, 401), (175, 125)  # where the two slopes of a B-spline can differ the most
    values = spline_weights(401, columns.ELASTIC_POINTS)
    slopes = np.gradient(values, axis=0)
    along, across = np.outer(values[place[0]], slopes[place[1]]), np.outer(slopes[place[0]], values[place[1]])
    worst = np.sign(across - along)
    row = change(size=size)
    row[columns.ELASTIC] = 100 * part * np.stack([worst, -worst]).ravel()
    assert bool(jacobian(row, size).min() < 0) is folds


@given(st.integers(0, 1000))
def test_gamma_keeps_the_order_and_the_ends_of_the_intensities(seed):
    image, label = random_pair(seed=seed)
    row = change(seed, gamma=0.5)
    toned = apply_change(image, label, row)[0]
    order = np.argsort(image, axis=None)
    assert np.all(np.diff(toned.ravel()[order]) >= 0)
    np.testing.assert_allclose([toned.min(), toned.max()], [image.min(), image.max()], rtol=1e-5)
    middle = (image.min() + image.max()) / 2
    expected = image.min() + (image.max() - image.min()) * 0.5 ** row[columns.GAMMA]
    np.testing.assert_allclose(np.interp(middle, image.ravel()[order], toned.ravel()[order]), expected, atol=0.01)


@given(st.integers(0, 1000))
def test_shading_is_smooth_and_scales_what_lies_above_the_lowest(seed):
    image, label = random_pair(seed=seed)
    shaded = apply_change(image, label, change(seed, shading=0.4))[0].astype(float)
    low, lowest = image.min(), image.argmin()
    assert shaded.flat[lowest] == pytest.approx(low)
    above = (image - low)[..., 0] > 0.1
    factors = np.where(above, (shaded - low)[..., 0] / np.where(above, image[..., 0] - low, 1), np.nan)
    assert np.nanmin(factors) >= 1 / 1.4 - 1e-4
    assert np.nanmax(factors) <= 1.4 + 1e-4
    for axis in (0, 1):
        assert np.nanmax(np.abs(np.diff(factors, axis=axis))) < 0.1
    assert np.nanstd(factors) > 1e-3


@given(st.integers(0, 1000))
def test_noise_has_the_drawn_deviation_and_leaves_the_label(seed):
    image, label = random_pair(seed=seed)
    row = change(seed, noise=0.5)
    noisy, same = apply_change(image, label, row)
    assert np.std(noisy - image) == pytest.approx(row[columns.NOISE], rel=0.08)
    np.testing.assert_array_equal(same, label)


def test_contrast_and_brightness_are_a_line():
    image, label = random_pair()
    row = change(contrast=0.3, brightness=0.4)
    exposed = apply_change(image, label, row)[0]
    np.testing.assert_allclose(exposed, image * row[columns.CONTRAST] + row[columns.BRIGHTNESS], rtol=1e-6)


def test_an_image_of_one_intensity_stays_finite():
    image, label = np.full((*SIZE, 1), 3, np.float32), np.ones((*SIZE, 1), np.uint8)
    changed, _ = apply_change(image, label, change(gamma=0.5, shading=0.4, elastic=0.3))
    np.testing.assert_array_equal(changed, image)
