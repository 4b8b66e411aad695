from dataclasses import replace

import numpy as np
import pytest

from keras_lvseg.data import Augmentation
from keras_lvseg.data.augmentation_ops import apply_augmentation
from keras_lvseg.data.pydataset import SAXPyDataset
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.data.tf_dataset import make_dataset
from tests.data.random_pairs import EVERY_RANGE, random_pairs

EVERYTHING = Augmentation(**EVERY_RANGE)
COUNT, SIZE = 7, (48, 40)


def assert_alike(batch, other):
    """Images to 1e-4 of their range, labels but for a pixel in ten thousand (and three), on the border of two."""
    (images, labels), (other_images, other_labels) = batch, other
    np.testing.assert_allclose(images, other_images, atol=1e-4 * float(np.ptp(other_images)), rtol=0)
    assert np.count_nonzero(np.asarray(labels) != other_labels) <= 3 + 1e-4 * other_labels.size


@pytest.mark.parametrize(("shard", "crop"), [pytest.param(None, None, marks=pytest.mark.slow), ((1, 3), 13)])
def test_dataset_and_pydataset_augment_every_epoch_alike(shard, crop):
    images, labels = random_pairs(20, SIZE)
    sampling = Sampling(20, SIZE, shuffle=True, augment=replace(EVERYTHING, crop=crop), seed=3, shard=shard)
    data, loader = (
        make_dataset(images, labels, sampling, batch_size=4),
        SAXPyDataset(images, labels, sampling, batch_size=4),
    )
    firsts = []
    for _ in range(3):
        batches = list(data.as_numpy_iterator())
        assert len(batches) == len(loader)
        for i, batch in enumerate(batches):
            assert_alike(loader[i], batch)
        firsts.append(batches[0][0])
        loader.on_epoch_end()
    assert not np.allclose(firsts[0], firsts[1])
    assert not np.allclose(firsts[1], firsts[2])


def test_batches_singles_and_shards_have_the_same_images():
    images, labels = random_pairs(9, SIZE)

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


def test_repeated_dataset_has_static_shapes_and_joins_epochs():
    images, labels = random_pairs(COUNT, SIZE)
    sampling = Sampling(COUNT, SIZE, augment=EVERYTHING, seed=0)
    data = make_dataset(images, labels, sampling, batch_size=4, repeat=True, drop_remainder=True)
    assert [tuple(spec.shape) for spec in data.element_spec] == [(4, *SIZE, 1)] * 2
    together = np.concatenate([batch for batch, _ in data.take(4).as_numpy_iterator()])
    epochs = [apply_augmentation(images, labels, sampling.epoch(epoch)[1])[0] for epoch in range(3)]
    np.testing.assert_allclose(together, np.concatenate(epochs)[:16], atol=1e-3)
    single = make_dataset(images, labels, sampling)
    assert [tuple(spec.shape) for spec in single.element_spec] == [(*SIZE, 1)] * 2
    assert int(single.cardinality()) == COUNT


def test_dataset_calls_python_once_per_epoch():
    calls = []

    class Counted(Sampling):
        def epoch(self, epoch):
            calls.append(epoch)
            return super().epoch(epoch)

    images, labels = random_pairs(COUNT, SIZE)
    data = make_dataset(images, labels, Counted(COUNT, SIZE, augment=EVERYTHING, seed=0), batch_size=2)
    for _ in range(3):
        assert len(list(data)) == 4
    assert calls == [0, 1, 2]


def test_dataset_with_augmentation_on_another_backend_raises(monkeypatch):
    images, labels = random_pairs(COUNT, SIZE)
    sampling = Sampling(COUNT, SIZE, augment=EVERYTHING, seed=0)
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(
        ValueError, match=r"`augment`\. Expected None on the jax backend, where `as_pydataset` augments"
    ):
        make_dataset(images, labels, sampling)
    plain = make_dataset(images, labels, Sampling(COUNT, SIZE), batch_size=COUNT)
    np.testing.assert_array_equal(next(iter(plain))[0], images)
