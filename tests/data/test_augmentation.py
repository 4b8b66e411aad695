from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import BSpline

from keras_lvseg.data import Augmentation, augmentation
from keras_lvseg.data.augmentation import spline_step, spline_weights
from keras_lvseg.data.sampling import Sampling

SIZE = (40, 48)
EVERYTHING = Augmentation(
    rotation=180,
    scale=0.3,
    shift=5,
    flip=True,
    elastic=0.3,
    contrast=0.2,
    brightness=0.3,
    gamma=0.5,
    noise=0.1,
    shading=0.4,
)
APPEARANCE = replace(EVERYTHING, curve=1.0, recolour=0.3, detail=1.0, field=0.3, cavity=0.8)


def test_draw_of_appearance_fills_its_ranges():
    rows = APPEARANCE.draw(0, 0, count=2000, image_size=SIZE).astype(float)
    assert rows.shape == (2000, augmentation.ALL_PARAMETERS)
    curves = rows[:, augmentation.CURVE]
    rising = (np.diff(curves, axis=1) > 0).all(axis=1) & (curves[:, 0] == 0) & (abs(curves[:, -1] - 1) < 1e-6)
    assert 0.66 < rising.mean() < 0.74  # the others are of random values
    slopes = np.diff(curves[rising], axis=1)
    assert 3.5 < (slopes.max(axis=1) / slopes.min(axis=1)).max() <= 4 + 1e-5
    assert curves[~rising].min() < 0.01 < 0.99 < curves[~rising].max() <= 1
    assert (
        0.5 - 1e-6 <= rows[:, augmentation.DETAIL].min() < 0.51 < 1.98 < rows[:, augmentation.DETAIL].max() <= 2 + 1e-6
    )
    scales = rows[:, augmentation.DETAIL_SCALE]
    assert 0.7 - 1e-6 <= scales.min() < 0.72 < 7.8 < scales.max() <= 8 + 1e-5
    field = rows[:, augmentation.FIELD]
    for first, last, size in ((field[:, 0], field[:, 1], SIZE[0]), (field[:, 2], field[:, 3], SIZE[1])):
        for blanked in (first, size - 1 - last):
            assert 0.45 < (blanked == 0).mean() < 0.55
            assert 0.29 * size < blanked.max() <= 0.3 * size + 1e-5
    cavity = 1 + rows[:, augmentation.CAVITY]
    assert 1 / 1.8 - 1e-6 <= cavity.min() < 0.57 < 1.77 < cavity.max() <= 1.8 + 1e-6


def test_draw_of_appearance_leaves_the_other_columns_and_depends_on_no_count():
    few, many = (APPEARANCE.draw(3, 1, count=count, image_size=SIZE) for count in (3, 30))
    np.testing.assert_array_equal(few, many[:3])
    plain = EVERYTHING.draw(3, 1, count=3, image_size=SIZE)
    np.testing.assert_array_equal(few[:, : augmentation.PARAMETERS], plain)


@pytest.mark.parametrize(("name", "limit"), [("recolour", 1), ("field", 0.4), ("cavity", 1.2)])
def test_augmentation_of_appearance_above_its_limit_raises(name, limit):
    with pytest.raises(ValueError, match=f"argument `{name}`. Expected at most {limit}"):
        Augmentation(**{name: limit + 0.1})


def test_draw_of_contrast_and_brightness_fills_their_ranges():
    rows = Augmentation(contrast=0.25, brightness=0.4).draw(0, 0, count=500, image_size=SIZE)
    contrast, brightness = rows[:, augmentation.CONTRAST], rows[:, augmentation.BRIGHTNESS]
    assert 1 / 1.25 <= contrast.min() < 0.85 < 1.2 < contrast.max() <= 1.25
    assert -0.4 <= brightness.min() < -0.35 < 0.35 < brightness.max() <= 0.4


def test_draw_of_gamma_noise_shading_and_elastic_fills_their_ranges():
    rows = (
        Augmentation(gamma=0.5, noise=0.2, shading=0.4, elastic=0.3)
        .draw(0, 0, count=500, image_size=SIZE)
        .astype(float)
    )
    gamma, noise, keys = rows[:, augmentation.GAMMA], rows[:, augmentation.NOISE], rows[:, augmentation.NOISE_KEY]
    assert 1 / 1.5 - 1e-6 <= gamma.min() < 0.7 < 1.45 < gamma.max() <= 1.5 + 1e-6
    assert 0 <= noise.min() < 0.01 < 0.19 < noise.max() <= 0.2 + 1e-6
    assert keys.min() >= 0
    assert 2**23 < keys.max() < 2**24
    assert len(np.unique(keys)) == 500
    np.testing.assert_array_equal(keys, np.floor(keys))
    shading = np.exp(rows[:, augmentation.SHADING])
    assert 1 / 1.4 - 1e-6 <= shading.min() < 0.73 < 1.38 < shading.max() <= 1.4 + 1e-6
    for part, size in zip(np.split(rows[:, augmentation.ELASTIC], 2, axis=1), SIZE[::-1], strict=True):
        mesh = (size - 1) / 4
        assert 0.29 * mesh < np.abs(part).max() <= 0.3 * mesh + 1e-5
        assert abs(part.mean()) < 0.01 * mesh


@given(st.integers(0, 100), st.integers(0, 100))
def test_draw_of_any_count_gives_an_image_the_same_parameters(seed, epoch):
    few, many = (EVERYTHING.draw(seed, epoch, count=count, image_size=SIZE) for count in (3, 30))
    np.testing.assert_array_equal(few, many[:3])


@given(st.integers(0, 100), st.integers(0, 100))
def test_draw_of_other_image_epoch_or_seed_gives_other_parameters(seed, epoch):
    rows = [
        EVERYTHING.draw(*place, count=20, image_size=SIZE)
        for place in ((seed, epoch), (seed, epoch + 1), (seed + 1, epoch))
    ]
    columns_drawn = np.concatenate(rows).T
    assert all(len(np.unique(column)) > 50 for column in columns_drawn)


@given(st.integers(0, 100), st.integers(0, 100))
def test_draw_of_two_streams_shares_no_number(seed, epoch):
    rows = Augmentation(brightness=1, elastic=0.4).draw(
        seed, epoch, count=20, image_size=(41, 41)
    )  # meshes of 10 pixels
    brightness, elastic = rows[:, augmentation.BRIGHTNESS], rows[:, augmentation.ELASTIC].ravel() / 4
    assert np.count_nonzero(np.abs(brightness[:, None] - elastic) < 1e-6) < 3  # but by chance


@pytest.mark.parametrize("name", ["rotation", "elastic", "gamma", "noise", "shading", "brightness"])
def test_draw_without_one_range_keeps_the_other_parameters(name):
    with_range, without = (
        augment.draw(3, 1, count=9, image_size=SIZE) for augment in (EVERYTHING, replace(EVERYTHING, **{name: 0.0}))
    )
    where = {
        "rotation": augmentation.MATRIX,
        "brightness": augmentation.BRIGHTNESS,
        "gamma": augmentation.GAMMA,
        "noise": augmentation.NOISE,
        "shading": augmentation.SHADING,
        "elastic": augmentation.ELASTIC,
    }[name]
    assert not np.array_equal(with_range[:, where], without[:, where])
    with_range[:, where] = without[:, where] = 0
    np.testing.assert_array_equal(with_range, without)


RANGES = [field for field in EVERYTHING.__dataclass_fields__ if field not in ("flip", "crop")]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_augmentation_with_negative_or_infinite_range_raises(name, value):
    with pytest.raises(
        ValueError, match=f"argument `{name}`. Expected a finite number of 0 or more. Received: {name}="
    ):
        Augmentation(**{name: value})


def test_augmentation_with_elastic_above_its_limit_raises():
    with pytest.raises(ValueError, match=r"argument `elastic`. Expected at most 0\.48\. Received: elastic=0\.5"):
        Augmentation(elastic=0.5)
    assert Augmentation(elastic=0.48).elastic == 0.48


@given(st.integers(0, 100), st.integers(1, 40), st.integers(1, 5))
def test_sampling_shards_partition_an_epoch(seed, count, shards):
    whole = Sampling(count, SIZE, shuffle=True, augment=EVERYTHING, seed=seed)
    parts = [
        Sampling(count, SIZE, shuffle=True, augment=EVERYTHING, seed=seed, shard=(i, shards)) for i in range(shards)
    ]
    assert sum(part.size for part in parts) == count
    for epoch in range(2):
        order, changes = whole.epoch(epoch)
        assert sorted(order) == list(range(count))
        by_index = dict(zip(order.tolist(), changes.tolist(), strict=True))
        seen = {}
        for part in parts:
            seen.update(zip(*(array.tolist() for array in part.epoch(epoch)), strict=True))
        assert seen == by_index


def test_sampling_with_a_seed_repeats_its_epochs():
    sampling = Sampling(20, SIZE, shuffle=True, augment=EVERYTHING, seed=4)
    first, second = sampling.epoch(0), sampling.epoch(1)
    assert not np.array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[1], Sampling(20, SIZE, shuffle=True, augment=EVERYTHING, seed=4).epoch(0)[1])
    assert Sampling(20, SIZE).seed != Sampling(20, SIZE).seed


def test_augmentation_and_sampling_with_impossible_crop_raise():
    with pytest.raises(ValueError, match=r"`crop`. Expected an integer of 1 or more, or None. Received: crop=0"):
        Augmentation(crop=0)
    with pytest.raises(
        ValueError, match=r"`crop`. Expected at most the sides of an image of \(20, 30\). Received: crop=21"
    ):
        Sampling(3, (20, 30), augment=Augmentation(crop=21))


@given(st.integers(1, 300), st.integers(4, 9))
def test_spline_weights_of_any_size_equal_scipy_s_uniform_cubic_b_spline(size, points):
    places = np.arange(size) / spline_step(size, points)
    spline = BSpline(np.arange(points + 4) - 3.0, np.eye(points), 3)
    np.testing.assert_allclose(spline_weights(size, points), spline(places), atol=1e-6)
    if size > 1:  # from edge to edge
        np.testing.assert_allclose(spline_weights(size, points), spline_weights(size, points)[::-1, ::-1], atol=1e-6)


@given(st.integers(2, 300), st.integers(4, 9))
def test_spline_weights_of_any_size_are_a_convex_combination(size, points):
    weights = spline_weights(size, points)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
