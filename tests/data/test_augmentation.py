from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.data import Augmentation, columns
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


def test_contrast_and_brightness_stay_in_their_ranges():
    rows = Augmentation(contrast=0.25, brightness=0.4).draw(0, 0, 500, SIZE)
    contrast, brightness = rows[:, columns.CONTRAST], rows[:, columns.BRIGHTNESS]
    assert 1 / 1.25 <= contrast.min() < 0.85 < 1.2 < contrast.max() <= 1.25
    assert -0.4 <= brightness.min() < -0.35 < 0.35 < brightness.max() <= 0.4


def test_gamma_noise_shading_and_elastic_fill_their_ranges():
    rows = Augmentation(gamma=0.5, noise=0.2, shading=0.4, elastic=0.3).draw(0, 0, 500, SIZE).astype(float)
    gamma, noise, keys = rows[:, columns.GAMMA], rows[:, columns.NOISE], rows[:, columns.NOISE_KEY]
    assert 1 / 1.5 - 1e-6 <= gamma.min() < 0.7 < 1.45 < gamma.max() <= 1.5 + 1e-6
    assert 0 <= noise.min() < 0.01 < 0.19 < noise.max() <= 0.2 + 1e-6
    assert keys.min() >= 0
    assert 2**23 < keys.max() < 2**24
    assert len(np.unique(keys)) == 500
    np.testing.assert_array_equal(keys, np.floor(keys))
    shading = np.exp(rows[:, columns.SHADING])
    assert 1 / 1.4 - 1e-6 <= shading.min() < 0.73 < 1.38 < shading.max() <= 1.4 + 1e-6
    for part, size in zip(np.split(rows[:, columns.ELASTIC], 2, axis=1), SIZE[::-1], strict=True):
        mesh = (size - 1) / 4
        assert 0.29 * mesh < np.abs(part).max() <= 0.3 * mesh + 1e-5
        assert abs(part.mean()) < 0.01 * mesh


@given(st.integers(0, 100), st.integers(0, 100))
def test_an_image_s_change_does_not_depend_on_how_many_there_are(seed, epoch):
    few, many = EVERYTHING.draw(seed, epoch, 3, SIZE), EVERYTHING.draw(seed, epoch, 30, SIZE)
    np.testing.assert_array_equal(few, many[:3])


@given(st.integers(0, 100), st.integers(0, 100))
def test_no_two_images_epochs_or_seeds_share_a_change(seed, epoch):
    rows = [EVERYTHING.draw(*place, 20, SIZE) for place in ((seed, epoch), (seed, epoch + 1), (seed + 1, epoch))]
    columns_drawn = np.concatenate(rows).T
    assert all(len(np.unique(column)) > 50 for column in columns_drawn)


@given(st.integers(0, 100), st.integers(0, 100))
def test_no_number_is_drawn_twice(seed, epoch):
    rows = Augmentation(brightness=1, elastic=0.4).draw(seed, epoch, 20, (41, 41))  # meshes of 10 pixels
    brightness, elastic = rows[:, columns.BRIGHTNESS], rows[:, columns.ELASTIC].ravel() / 4
    assert np.count_nonzero(np.abs(brightness[:, None] - elastic) < 1e-6) < 3  # but by chance


@pytest.mark.parametrize("name", ["rotation", "elastic", "gamma", "noise", "shading", "brightness"])
def test_one_range_does_not_change_what_the_others_draw(name):
    ours, theirs = EVERYTHING.draw(3, 1, 9, SIZE), replace(EVERYTHING, **{name: 0.0}).draw(3, 1, 9, SIZE)
    where = {
        "rotation": columns.MATRIX,
        "brightness": columns.BRIGHTNESS,
        "gamma": columns.GAMMA,
        "noise": columns.NOISE,
        "shading": columns.SHADING,
        "elastic": columns.ELASTIC,
    }[name]
    assert not np.array_equal(ours[:, where], theirs[:, where])
    ours[:, where] = theirs[:, where] = 0
    np.testing.assert_array_equal(ours, theirs)


RANGES = [field for field in EVERYTHING.__dataclass_fields__ if field not in ("flip", "crop")]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_range_below_0_or_not_finite_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name} has to be 0 or more, and finite. Received: {name}="):
        Augmentation(**{name: value})


def test_a_grid_that_could_fold_is_refused():
    with pytest.raises(ValueError, match=r"^elastic has to be at most 0\.48\. Received: elastic=0\.5"):
        Augmentation(elastic=0.5)
    assert Augmentation(elastic=0.48).elastic == 0.48


@given(st.integers(0, 100), st.integers(1, 40), st.integers(1, 5))
def test_shards_part_an_epoch(seed, count, shards):
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


def test_epochs_differ_and_a_seed_repeats_them():
    sampling = Sampling(20, SIZE, shuffle=True, augment=EVERYTHING, seed=4)
    first, second = sampling.epoch(0), sampling.epoch(1)
    assert not np.array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])
    np.testing.assert_array_equal(first[1], Sampling(20, SIZE, shuffle=True, augment=EVERYTHING, seed=4).epoch(0)[1])
    assert Sampling(20, SIZE).seed != Sampling(20, SIZE).seed


def test_a_crop_that_is_none_or_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="crop has to be 1 or more"):
        Augmentation(crop=0)
    with pytest.raises(ValueError, match="crop fits into an image of"):
        Sampling(3, (20, 30), augment=Augmentation(crop=21))
