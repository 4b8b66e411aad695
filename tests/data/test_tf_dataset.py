from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.data import Augmentation, columns
from keras_lvseg.data.changes import apply_change
from keras_lvseg.data.fields import normal_noise
from keras_lvseg.data.pydataset import SAXPyDataset
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.data.tf_dataset import apply_changes, make_dataset

RANGES = {
    "rotation": 180,
    "scale": 0.3,
    "shift": 8,
    "flip": True,
    "elastic": 0.4,
    "contrast": 0.3,
    "brightness": 0.4,
    "gamma": 0.5,
    "noise": 0.2,
    "shading": 0.4,
}
EVERYTHING = Augmentation(**RANGES)
COUNT, SIZE = 7, (48, 40)


def random_pairs(count=COUNT, size=SIZE, seed=0):
    random = np.random.default_rng(seed)
    images = random.normal(size=(count, *size, 1)).astype(np.float32)
    return images, random.integers(0, 3, (count, *size, 1)).astype(np.uint8)


def by_numpy(images, labels, changes):
    pairs = [apply_change(*each) for each in zip(images, labels, changes, strict=True)]
    return [np.stack(part) for part in zip(*pairs, strict=True)]


def assert_alike(batch, other):
    """Images to 1e-4 of their range, labels but for a pixel in ten thousand (and three), on the border of two."""
    (images, labels), (other_images, other_labels) = batch, other
    np.testing.assert_allclose(images, other_images, atol=1e-4 * float(np.ptp(other_images)), rtol=0)
    assert np.count_nonzero(np.asarray(labels) != other_labels) <= 3 + 1e-4 * other_labels.size


@given(st.integers(0, 10**6), st.sampled_from([(33, 47), (64, 64)]), st.sets(st.sampled_from(sorted(RANGES))))
def test_tensorflow_does_what_numpy_does(seed, size, names):
    augment = Augmentation(**{name: RANGES[name] for name in names})
    images, labels = random_pairs(4, size, seed)
    changes = augment.draw(seed, 0, len(images), size)
    changed = apply_changes(images, labels, changes)
    assert [part.dtype for part in changed] == [tf.float32, tf.uint8]
    assert_alike(changed, by_numpy(images, labels, changes))


def test_tensorflow_does_what_numpy_does_at_full_size():
    images, labels = random_pairs(8, (256, 256))
    changes = EVERYTHING.draw(0, 0, len(images), (256, 256))
    assert_alike(apply_changes(images, labels, changes), by_numpy(images, labels, changes))


def test_an_image_of_one_intensity_stays_finite():
    images, labels = np.full((2, *SIZE, 1), 3, np.float32), np.zeros((2, *SIZE, 1), np.uint8)
    changes = Augmentation(gamma=0.5, shading=0.4, elastic=0.3).draw(0, 0, 2, SIZE)
    np.testing.assert_array_equal(apply_changes(images, labels, changes)[0], images)


@pytest.mark.parametrize("augment", [Augmentation(), Augmentation(flip=True)])
def test_what_stays_a_pixel_stays_it_to_the_bit(augment):
    images, labels = random_pairs()
    changes = augment.draw(1, 0, COUNT, SIZE)
    for part, other in zip(apply_changes(images, labels, changes), by_numpy(images, labels, changes), strict=True):
        np.testing.assert_array_equal(part, other)


def test_an_image_that_is_not_finite_spoils_no_other():
    images, labels = random_pairs()
    images[[0, 5]] = np.nan
    changes = Augmentation(rotation=180, shift=8, flip=True).draw(1, 0, COUNT, SIZE)
    changes[4:] = Augmentation().draw(0, 0, 1, SIZE)
    spoilt = np.isnan(apply_changes(images, labels, changes)[0]).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(np.flatnonzero(spoilt), [0, 5])


def test_noise_is_the_same_to_the_bit():
    changes = Augmentation(noise=1).draw(0, 0, 4, SIZE)
    changes[:, columns.NOISE] = 1
    images, labels = np.zeros((4, *SIZE, 1), np.float32), np.zeros((4, *SIZE, 1), np.uint8)
    noise = apply_changes(images, labels, changes)[0]
    expected = [normal_noise(int(change[columns.NOISE_KEY]), SIZE)[..., None] for change in changes]
    np.testing.assert_array_equal(noise, np.stack(expected))


@pytest.mark.parametrize("shard", [None, (1, 3)])
def test_both_pipelines_change_every_epoch_alike(shard):
    images, labels = random_pairs(20)
    sampling = Sampling(20, SIZE, shuffle=True, augment=EVERYTHING, seed=3, shard=shard)
    data, loader = (
        make_dataset(images, labels, sampling, batch_size=4),
        SAXPyDataset(images, labels, sampling, batch_size=4),
    )
    firsts = []
    for _ in range(3):
        batches = list(data.as_numpy_iterator())
        assert len(batches) == len(loader)
        for i, batch in enumerate(batches):
            assert_alike(batch, loader[i])
        firsts.append(batches[0][0])
        loader.on_epoch_end()
    assert not np.allclose(firsts[0], firsts[1])
    assert not np.allclose(firsts[1], firsts[2])


def test_a_batch_is_its_images_and_shards_are_the_whole():
    images, labels = random_pairs(9)

    def sampled(shard=None):
        return Sampling(9, SIZE, shuffle=True, augment=EVERYTHING, seed=3, shard=shard)

    def joined(sampling, batch_size):
        pairs = make_dataset(images, labels, sampling, batch_size=batch_size).as_numpy_iterator()
        return [(np.stack if batch_size is None else np.concatenate)(part) for part in zip(*pairs, strict=True)]

    whole = joined(sampled(), 4)
    single, parts = joined(sampled(), None), [joined(sampled((i, 2)), 4) for i in range(2)]
    assert_alike(single, whole)  # not to the bit: another size of batch is compiled anew, and rounds anew
    for i, part in enumerate(parts):
        assert_alike(part, [array[i::2] for array in whole])


def test_shapes_are_static_and_epochs_join_where_repeated():
    images, labels = random_pairs()
    sampling = Sampling(COUNT, SIZE, augment=EVERYTHING, seed=0)
    data = make_dataset(images, labels, sampling, batch_size=4, repeat=True, drop_remainder=True)
    assert [tuple(spec.shape) for spec in data.element_spec] == [(4, *SIZE, 1)] * 2
    together = np.concatenate([batch for batch, _ in data.take(4).as_numpy_iterator()])
    epochs = [by_numpy(images, labels, sampling.epoch(epoch)[1])[0] for epoch in range(3)]
    np.testing.assert_allclose(together, np.concatenate(epochs)[:16], atol=1e-3)
    single = make_dataset(images, labels, sampling)
    assert [tuple(spec.shape) for spec in single.element_spec] == [(*SIZE, 1)] * 2
    assert int(single.cardinality()) == COUNT


def test_python_runs_once_an_epoch():
    calls = []

    class Counted(Sampling):
        def epoch(self, epoch):
            calls.append(epoch)
            return super().epoch(epoch)

    images, labels = random_pairs()
    data = make_dataset(images, labels, Counted(COUNT, SIZE, augment=EVERYTHING, seed=0), batch_size=2)
    for _ in range(3):
        assert len(list(data)) == 4
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("crop", [1, 13, 20])
def test_a_crop_is_the_middle_of_what_there_was_in_both_pipelines(crop):
    whole = Sampling(5, SIZE, shuffle=True, augment=EVERYTHING, seed=3)
    cropped = Sampling(5, SIZE, shuffle=True, augment=replace(EVERYTHING, crop=crop), seed=3)
    images, labels = random_pairs(5)
    expected = SAXPyDataset(images, labels, whole, batch_size=5)[0]
    (rows, columns) = ((size - crop) // 2 for size in SIZE)
    for part in (
        SAXPyDataset(images, labels, cropped, batch_size=5)[0],
        next(iter(make_dataset(images, labels, cropped, batch_size=5))),
    ):
        for kept, changed in zip(part, expected, strict=True):
            assert kept.shape == (5, crop, crop, 1)
            np.testing.assert_allclose(kept, changed[:, rows : rows + crop, columns : columns + crop], atol=1e-4)
