import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from keras_lvseg.data import Augmentation
from keras_lvseg.data.augmentation import apply_change
from keras_lvseg.data.sampling import Sampling

SIZE = (40, 48)
EVERYTHING = Augmentation(rotation=180, scale=0.3, shift=5, flip=True, contrast=0.2, brightness=0.3)


def disc(row, column, radius=6):
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return ((rows - row) ** 2 + (columns - column) ** 2 < radius**2)[..., None]


def change(**ranges):
    return Augmentation(**ranges).draw(seed=5, epoch=0, count=1, image_size=SIZE)[0]


def test_no_range_is_no_change():
    image = np.random.default_rng(0).normal(size=(*SIZE, 1)).astype(np.float32)
    label = disc(20, 20).astype(np.uint8)
    moved, moved_label = apply_change(image, label, change())
    np.testing.assert_allclose(moved, image, atol=1e-6)
    np.testing.assert_array_equal(moved_label, label)
    assert (moved.dtype, moved_label.dtype) == (np.float32, np.uint8)


@given(st.integers(0, 1000))
def test_image_and_label_move_together(seed):
    inside = disc(18, 26)
    for row in EVERYTHING.draw(seed, 0, 3, SIZE):
        row[6:] = 1, 0  # intensities as they are
        moved, label = apply_change(inside.astype(np.float32), inside.astype(np.uint8), row)
        clear = np.abs(moved - 0.5) > 0.45
        np.testing.assert_array_equal(label[clear], moved[clear] > 0.5)
        assert set(np.unique(label)) <= {0, 1}


@given(st.integers(0, 1000))
def test_areas_grow_by_the_scale_and_the_centre_stays(seed):
    row = Augmentation(rotation=180, scale=0.3, flip=True).draw(seed, 0, 1, SIZE)[0]
    centre = (np.array(SIZE) - 1) / 2
    inside = disc(*centre, radius=8)
    moved, _ = apply_change(inside.astype(np.float32), inside.astype(np.uint8), row)
    np.testing.assert_allclose(ndimage.center_of_mass(moved[..., 0]), centre, atol=0.05)
    grown = 1 / abs(np.linalg.det(row[:6].reshape(2, 3)[:, :2]))
    assert moved.sum() == pytest.approx(inside.sum() * grown, rel=0.02)
    assert 1 / 1.3**2 - 1e-6 <= grown <= 1.3**2 + 1e-6


def test_a_quarter_turn_is_numpy_s():
    image = np.random.default_rng(0).normal(size=(32, 32, 1)).astype(np.float32)
    quarter = np.array([0, -1, 31, 1, 0, 0, 1, 0], dtype=np.float32)
    moved, _ = apply_change(image, (image > 0).astype(np.uint8), quarter)
    np.testing.assert_allclose(moved, np.rot90(image), atol=1e-5)


def test_contrast_and_brightness_stay_in_their_ranges():
    rows = Augmentation(contrast=0.25, brightness=0.4).draw(0, 0, 500, SIZE)
    assert 1 / 1.25 <= rows[:, 6].min() < 0.85 < 1.2 < rows[:, 6].max() <= 1.25
    assert -0.4 <= rows[:, 7].min() < -0.35 < 0.35 < rows[:, 7].max() <= 0.4


@given(st.integers(0, 100), st.integers(0, 100))
def test_an_image_s_change_does_not_depend_on_how_many_there_are(seed, epoch):
    few, many = EVERYTHING.draw(seed, epoch, 3, SIZE), EVERYTHING.draw(seed, epoch, 30, SIZE)
    np.testing.assert_array_equal(few, many[:3])


@given(st.integers(0, 100), st.integers(1, 40), st.integers(1, 5))
def test_shards_part_an_epoch(seed, count, shards):
    whole = Sampling(count, SIZE, shuffle=True, augment=EVERYTHING, seed=seed)
    parts = [Sampling(count, SIZE, True, EVERYTHING, seed, shard=(i, shards)) for i in range(shards)]
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
    np.testing.assert_array_equal(first[1], Sampling(20, SIZE, True, EVERYTHING, seed=4).epoch(0)[1])
    assert Sampling(20, SIZE).seed != Sampling(20, SIZE).seed
