import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, stats
from scipy.interpolate import BSpline
from scipy.special import ndtri

from keras_lvseg.data import Augmentation, augmentation
from keras_lvseg.data.augmentation_ops import apply_augmentation, source_points
from tests.data.random_pairs import EVERY_RANGE, random_pairs

SIZE = (40, 48)


def draw(seed=5, count=1, size=SIZE, **ranges):
    return Augmentation(**ranges).draw(seed, epoch=0, count=count, image_size=size)


def augment(images, labels, parameters, **options):
    return [keras.ops.convert_to_numpy(part) for part in apply_augmentation(images, labels, parameters, **options)]


def by_matrix(*numbers):
    """Parameters with a matrix only."""
    parameters = draw()
    parameters[:, augmentation.MATRIX] = numbers
    return parameters


def disc(row, column, radius=6):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((rows - row) ** 2 + (columns - column) ** 2 < radius**2)[None, ..., None]


def spline_field(values, size):
    """The field of SciPy's uniform cubic B-spline, whose second and second last control points are on the edges."""
    points = round(len(values) ** 0.5)
    rows, columns = (
        BSpline(np.arange(points + 4) - 3.0, np.eye(points), 3)(np.linspace(0, points - 3, n)) for n in size
    )
    return rows @ values.reshape(points, points) @ columns.T


def reference_noise(key, size):
    bits = np.arange(size[0] * size[1], dtype=np.uint32).reshape(size) + np.uint32(int(key) * 0x9E3779B9 % 2**32)
    for shift, multiplier in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(multiplier)
    return ndtri(((bits >> np.uint32(16)) + 0.5) / 2**16)


def reference(image, label, row):
    """One image of shape (H, W, 1) augmented by NumPy and SciPy in float64, and four labels for it.

    The labels are those 0.001 pixels away, in the four diagonal directions. They differ only halfway between pixels.
    """
    pixels, row, size = image[..., 0].astype(float), row.astype(float), image.shape[:2]
    low, high = pixels.min(), pixels.max()
    pixels = low + (high - low) * ((pixels - low) / (high - low)) ** row[augmentation.GAMMA]
    y, x = np.indices(size, dtype=float)
    dx, dy = (spline_field(values, size) for values in np.split(row[augmentation.ELASTIC], 2))
    a, b, c, d, e, f = row[augmentation.MATRIX]
    x, y = x + dx, y + dy
    points = [d * x + e * y + f, a * x + b * y + c]
    pixels = ndimage.map_coordinates(pixels, points, order=1, mode="nearest")
    labels = [
        ndimage.map_coordinates(label[..., 0], [points[0] + down, points[1] + right], order=0, mode="nearest")
        for down in (-1e-3, 1e-3)
        for right in (-1e-3, 1e-3)
    ]
    pixels = pixels + (pixels - low) * np.expm1(spline_field(row[augmentation.SHADING], size))
    pixels = pixels * row[augmentation.CONTRAST] + row[augmentation.BRIGHTNESS]
    pixels += row[augmentation.NOISE] * reference_noise(row[augmentation.NOISE_KEY], size)
    return pixels[..., None], np.stack(labels, axis=-1)


def assert_equals_reference(images, labels, parameters):
    """Images to 1e-4 of their range, labels to 0.001 pixels."""
    augmented, moved = augment(images, labels, parameters)
    assert (augmented.dtype, moved.dtype) == (np.float32, np.uint8)
    expected = [np.stack(part) for part in zip(*map(reference, images, labels, parameters), strict=True)]
    np.testing.assert_allclose(augmented, expected[0], atol=1e-4 * np.ptp(expected[0]), rtol=0)
    assert (moved == expected[1]).any(axis=-1).all()


@given(st.integers(0, 10**6), st.sampled_from([(33, 47), (64, 64)]), st.sets(st.sampled_from(sorted(EVERY_RANGE))))
def test_apply_augmentation_with_any_ranges_equals_scipy(seed, size, names):
    parameters = draw(seed, 4, size, **{name: EVERY_RANGE[name] for name in names})
    assert_equals_reference(*random_pairs(4, size, seed), parameters)


def test_apply_augmentation_at_full_size_equals_scipy():
    assert_equals_reference(*random_pairs(8, (256, 256)), draw(0, 8, (256, 256), **EVERY_RANGE))


@pytest.mark.parametrize("crop", [1, 40])
def test_apply_augmentation_with_crop_equals_the_centre_of_the_whole(crop):
    images, labels = random_pairs(3, SIZE)
    parameters = draw(3, 3, **EVERY_RANGE)
    rows, columns = ((size - crop) // 2 for size in SIZE)
    cropped, whole = augment(images, labels, parameters, crop=crop), augment(images, labels, parameters)
    for part, expected in zip(cropped, whole, strict=True):
        assert part.shape == (3, crop, crop, 1)
        np.testing.assert_allclose(part, expected[:, rows : rows + crop, columns : columns + crop], atol=1e-4)


def test_apply_augmentation_without_ranges_returns_the_same_bits():
    images, labels = random_pairs(3, SIZE)
    for part, same in zip(augment(images, labels, draw(count=3)), (images, labels), strict=True):
        np.testing.assert_array_equal(part, same)
        assert part.dtype == same.dtype


@pytest.mark.parametrize("size", [(32, 32), (33, 33), (1, 1)])
def test_apply_augmentation_with_mirrors_and_quarter_turns_equals_numpy(size):
    images, labels = random_pairs(1, size)
    end = size[0] - 1
    cos, sin = np.cos(np.pi / 2), np.sin(np.pi / 2)  # the first is not 0
    cases = [
        ((-1, 0, end, 0, 1, 0), np.fliplr),
        ((1, 0, 0, 0, -1, end), np.flipud),
        ((cos, -sin, end, sin, cos, 0), np.rot90),
        ((-1, -cos, end, cos, -1, end), lambda array: np.rot90(array, 2)),
    ]
    for matrix, expected in cases:
        moved, moved_labels = augment(images, labels, by_matrix(*matrix))
        np.testing.assert_allclose(moved[0], expected(images[0]), atol=1e-6)
        np.testing.assert_array_equal(moved_labels[0], expected(labels[0]))


def test_apply_augmentation_with_flip_mirrors_half_of_the_images_exactly():
    images, labels = (np.repeat(part, 40, axis=0) for part in random_pairs(1, SIZE))
    mirrored = 0
    for *moved, image, label in zip(*augment(images, labels, draw(0, 40, flip=True)), images, labels, strict=True):
        is_mirrored, is_same = (
            all(np.array_equal(a, b) for a, b in zip(moved, (expected(image), expected(label)), strict=True))
            for expected in (np.fliplr, np.asarray)
        )
        assert is_mirrored or is_same
        mirrored += is_mirrored
    assert 10 < mirrored < 30


@given(st.integers(0, 1000))
def test_apply_augmentation_of_a_disc_moves_image_and_label_together(seed):
    inside = disc(18, 26)
    parameters = draw(seed, rotation=180, scale=0.3, shift=5, flip=True, elastic=0.3)
    moved, label = augment(inside.astype(np.float32), inside.astype(np.uint8), parameters)
    clear = np.abs(moved - 0.5) > 0.45
    np.testing.assert_array_equal(label[clear], moved[clear] > 0.5)
    assert set(np.unique(label)) <= {0, 1}
    assert label.any()


@given(st.integers(0, 1000))
def test_apply_augmentation_with_scale_multiplies_areas_and_keeps_the_centre(seed):
    parameters = draw(seed, rotation=180, scale=0.3, flip=True)
    centre = (np.array(SIZE) - 1) / 2
    inside = disc(*centre, radius=8)
    moved, label = augment(inside.astype(np.float32), inside.astype(np.uint8), parameters)
    np.testing.assert_allclose(ndimage.center_of_mass(moved[0, ..., 0]), centre, atol=0.05)
    growth = 1 / abs(np.linalg.det(parameters[0, augmentation.MATRIX].reshape(2, 3)[:, :2]))
    assert moved.sum() == pytest.approx(inside.sum() * growth, rel=0.02)
    assert label.sum() == pytest.approx(inside.sum() * growth, rel=0.12)  # whole pixels, along the whole outline
    assert 1 / 1.3**2 - 1e-6 <= growth <= 1.3**2 + 1e-6


@given(st.integers(0, 1000))
def test_apply_augmentation_with_shift_moves_by_pixels_and_keeps_the_area(seed):
    parameters = draw(seed, shift=5)
    inside = disc(20, 24)
    moved, label = augment(inside.astype(np.float32), inside.astype(np.uint8), parameters)
    shift = -parameters[0, augmentation.MATRIX].reshape(2, 3)[::-1, 2]  # of rows, of columns
    assert np.abs(shift).max() <= 5
    expected = np.array(ndimage.center_of_mass(inside[0, ..., 0])) + shift
    np.testing.assert_allclose(ndimage.center_of_mass(moved[0, ..., 0]), expected, atol=0.01)
    assert (moved.sum(), label.sum()) == (pytest.approx(inside.sum(), rel=1e-4), inside.sum())


@given(st.integers(0, 1000), st.sampled_from([(64, 64), (200, 90)]), st.booleans())
def test_source_points_with_largest_elastic_do_not_fold(seed, size, extreme):
    parameters = draw(seed, size=size, elastic=0.48, rotation=180, scale=0.3)
    if extreme:  # every control point at its limit
        limits = np.repeat([0.48 * (length - 1) / 4 for length in size[::-1]], augmentation.ELASTIC_POINTS**2)
        parameters[:, augmentation.ELASTIC] = np.copysign(limits, parameters[:, augmentation.ELASTIC])
    assert jacobian(parameters, size).min() > 0


def jacobian(parameters, size):
    points = keras.ops.convert_to_numpy(source_points(parameters, image_size=size))[0]
    (y_down, y_right), (x_down, x_right) = (np.gradient(point) for point in points)
    return x_right * y_down - x_down * y_right


@pytest.mark.parametrize(("elastic", "folds"), [(0.48, False), (0.51, True)])
def test_source_points_of_the_worst_grid_fold_just_above_the_limit(elastic, folds):
    size, place = (401, 401), (175, 125)  # where the two slopes of a B-spline can differ the most
    values = augmentation.spline_weights(401, augmentation.ELASTIC_POINTS)
    slopes = np.gradient(values, axis=0)
    along, across = np.outer(values[place[0]], slopes[place[1]]), np.outer(slopes[place[0]], values[place[1]])
    worst = np.sign(across - along)
    parameters = draw(size=size)
    parameters[:, augmentation.ELASTIC] = 100 * elastic * np.stack([worst, -worst]).ravel()
    assert bool(jacobian(parameters, size).min() < 0) is folds


@given(st.integers(0, 1000))
def test_apply_augmentation_with_gamma_keeps_order_and_ends_of_the_intensities(seed):
    images, labels = random_pairs(1, SIZE, seed)
    parameters = draw(seed, gamma=0.5)
    toned = augment(images, labels, parameters)[0]
    order = np.argsort(images, axis=None)
    assert np.all(np.diff(toned.ravel()[order]) >= 0)
    np.testing.assert_allclose([toned.min(), toned.max()], [images.min(), images.max()], rtol=1e-5)
    middle = (images.min() + images.max()) / 2
    expected = images.min() + np.ptp(images) * 0.5 ** parameters[0, augmentation.GAMMA]
    np.testing.assert_allclose(np.interp(middle, images.ravel()[order], toned.ravel()[order]), expected, atol=0.01)


@given(st.integers(0, 1000))
def test_apply_augmentation_with_shading_scales_smoothly_above_the_minimum(seed):
    images, labels = random_pairs(1, SIZE, seed)
    shaded = augment(images, labels, draw(seed, shading=0.4))[0].astype(float)
    low = images.min()
    assert shaded.flat[images.argmin()] == pytest.approx(low)
    above = (images - low)[0, ..., 0] > 0.1
    factors = np.where(above, (shaded - low)[0, ..., 0] / np.where(above, images[0, ..., 0] - low, 1), np.nan)
    assert np.nanmin(factors) >= 1 / 1.4 - 1e-4
    assert np.nanmax(factors) <= 1.4 + 1e-4
    for axis in (0, 1):
        assert np.nanmax(np.abs(np.diff(factors, axis=axis))) < 0.1
    assert np.nanstd(factors) > 1e-3


@given(st.integers(0, 1000))
def test_apply_augmentation_with_noise_adds_the_drawn_deviation_and_keeps_the_label(seed):
    images, labels = random_pairs(1, SIZE, seed)
    parameters = draw(seed, noise=0.5)
    noisy, same = augment(images, labels, parameters)
    assert np.std(noisy - images) == pytest.approx(parameters[0, augmentation.NOISE], rel=0.08)
    np.testing.assert_array_equal(same, labels)


def noise(*keys, size):
    """Noise of standard deviation 1."""
    parameters = draw(count=len(keys), size=size)
    parameters[:, augmentation.NOISE], parameters[:, augmentation.NOISE_KEY] = 1, keys
    empty = np.zeros((len(keys), *size, 1), np.float32)
    return augment(empty, empty.astype(np.uint8), parameters)[0][..., 0]


def test_noise_of_pixels_and_keys_is_normal_and_independent():
    first, second = noise(12, 13, size=(512, 512))
    flat = first.ravel()
    assert stats.kstest(flat, "norm").pvalue > 0.01
    assert stats.kstest(flat[:-1] + flat[1:], "norm", (0, np.sqrt(2))).statistic < 0.005
    bound = 4 / np.sqrt(flat.size)  # 4 standard deviations of a correlation of independent numbers
    for other in (*(np.roll(flat, step) for step in (1, 2, 16, 256, 512, 513)), second.ravel(), second.T.ravel()):
        assert abs(np.mean(flat * other)) < bound
        assert abs(np.mean((flat**2 - 1) * (other**2 - 1))) < 2 * bound
    assert -4.5 < flat.min() < -4 < 4 < flat.max() < 4.5


@pytest.mark.parametrize("key", [0, 1, 2**24 - 1])
def test_noise_of_any_key_equals_the_reference_and_depends_on_the_pixel_index_only(key):
    wide, other = noise(key, key ^ 1, size=(8, 30))
    np.testing.assert_array_equal(wide, reference_noise(key, (8, 30)).astype(np.float32))
    np.testing.assert_array_equal(wide.ravel(), noise(key, size=(16, 15)).ravel())
    assert not np.array_equal(wide, other)


def test_apply_augmentation_with_contrast_and_brightness_is_linear():
    images, labels = random_pairs(1, SIZE)
    parameters = draw(contrast=0.3, brightness=0.4)
    expected = images * parameters[0, augmentation.CONTRAST] + parameters[0, augmentation.BRIGHTNESS]
    np.testing.assert_allclose(augment(images, labels, parameters)[0], expected, rtol=1e-6, atol=1e-7)


def test_apply_augmentation_of_a_constant_image_returns_it():
    images, labels = np.full((2, *SIZE, 1), 3, np.float32), np.ones((2, *SIZE, 1), np.uint8)
    parameters = draw(0, 2, gamma=0.5, shading=0.4, elastic=0.3)
    np.testing.assert_array_equal(augment(images, labels, parameters)[0], images)


def test_apply_augmentation_of_an_image_with_nan_leaves_the_others_finite():
    images, labels = random_pairs(7, SIZE)
    images[[0, 5]] = np.nan
    parameters = draw(1, 7, rotation=180, shift=8, flip=True)
    parameters[4:] = draw()
    spoilt = np.isnan(augment(images, labels, parameters)[0]).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(spoilt), [0, 5])


def appearance(count=1, **values):
    """Parameters that change nothing but the given columns."""
    parameters = draw(count=count, curve=1e-9)
    parameters[:, augmentation.CURVE] = np.linspace(0, 1, augmentation.CURVE_POINTS)
    for name, value in values.items():
        parameters[:, getattr(augmentation, name)] = value
    return parameters


def matched(changed, image):
    """The changed image with the mean and the standard deviation of the image."""
    return image.mean() + (changed - changed.mean()) * image.std() / changed.std()


def test_apply_augmentation_without_appearance_returns_the_same_bits():
    images, labels = random_pairs(3, SIZE)
    for part, same in zip(augment(images, labels, appearance(3)), (images, labels), strict=True):
        np.testing.assert_array_equal(part, same)


def test_apply_augmentation_curve_equals_numpy_s_interpolation():
    images, labels = random_pairs(1, SIZE)
    values = np.random.default_rng(1).random(augmentation.CURVE_POINTS)
    changed, same = augment(images, labels, appearance(CURVE=values))
    place = (images - images.min()) / np.ptp(images)
    expected = np.interp(place, np.linspace(0, 1, augmentation.CURVE_POINTS), values)
    np.testing.assert_allclose(changed, matched(expected, images), atol=1e-4)
    np.testing.assert_array_equal(same, labels)


@pytest.mark.parametrize(("factor", "scale"), [(0.5, 1.0), (2.0, 3.0)])
def test_apply_augmentation_detail_equals_scipy_s_unsharp_mask_inside(factor, scale):
    images, labels = random_pairs(1, SIZE)
    changed, _ = augment(images, labels, appearance(DETAIL=factor, DETAIL_SCALE=scale))
    image = images[0, ..., 0].astype(float)
    ones = ndimage.gaussian_filter(np.ones_like(image), scale, mode="constant", truncate=20)
    blurred = ndimage.gaussian_filter(image, scale, mode="constant", truncate=20) / ones
    expected = matched(image + (factor - 1) * (image - blurred), image)
    np.testing.assert_allclose(changed[0, ..., 0], expected, atol=2e-3)


def test_apply_augmentation_field_blanks_image_and_label_outside():
    images, labels = random_pairs(1, SIZE)
    changed, moved = augment(images, labels + 1, appearance(FIELD=(4.5, 30, 0, 40)))
    inside = np.zeros((1, *SIZE, 1), bool)
    inside[:, 5:31, :41] = True
    np.testing.assert_array_equal(moved, np.where(inside, labels + 1, 0))
    np.testing.assert_allclose(changed, matched(np.where(inside, images, images.min()), images), atol=1e-4)


@pytest.mark.parametrize("magnification", [1.0, -0.4])
def test_apply_augmentation_cavity_changes_its_area_about_its_centre_only(magnification):
    label = disc(20, 24, 6).astype(np.uint8)
    image = disc(20, 24, 6).astype(np.float32)
    image[:, 0, 0] = 5.0  # far from the cavity
    changed, moved = augment(image, label, appearance(CAVITY=magnification))
    points = np.argwhere(moved[0, ..., 0])
    np.testing.assert_allclose(points.mean(axis=0), (20, 24), atol=0.1)
    assert (len(points) < 0.6 * label.sum()) if magnification > 0 else (len(points) > 1.3 * label.sum())
    assert changed[0, 0, 0, 0] == 5.0
    bright = changed[0, ..., 0] > 0.5
    bright[0, 0] = False
    assert np.count_nonzero(bright != (moved[0, ..., 0] == 1)) <= 0.1 * len(points)  # on the border
    for same, part in zip(augment(image, label * 2, appearance(CAVITY=magnification)), (image, label * 2), strict=True):
        np.testing.assert_array_equal(same, part)  # no class 1


@given(st.floats(-1, 1.2), st.floats(0, 40))
def test_radial_map_of_the_cavity_is_monotone(growth, radius):
    reach = 2.2 * radius + 4
    r = np.linspace(0, 1.2 * reach, 500)
    moved = r * (1 + growth * np.maximum(1 - (r / reach) ** 2, 0) ** 2)
    assert (np.diff(moved) >= -1e-9).all()


def test_apply_augmentation_of_appearance_keeps_mean_and_deviation_of_real_statistics():
    images, labels = random_pairs(8, SIZE)
    ranges = {"curve": 1.0, "recolour": 0.5, "detail": 1.0, "field": 0.3}
    changed, _ = augment(images, labels, draw(1, 8, **ranges))
    np.testing.assert_allclose(changed.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1e-4)
    np.testing.assert_allclose(changed.std(axis=(1, 2)), images.std(axis=(1, 2)), atol=1e-3)
