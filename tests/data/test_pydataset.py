import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from keras_lvseg.data import Augmentation
from keras_lvseg.data.augmentation_ops import apply_augmentation
from keras_lvseg.data.pydataset import SAXPyDataset
from keras_lvseg.data.sampling import Sampling

COUNT, SIZE = 11, (24, 20)
AUGMENT = Augmentation(rotation=180, elastic=0.3, gamma=0.3, noise=0.1, shading=0.3, crop=18)


def make(drop_remainder=False, **options):
    random = np.random.default_rng(0)
    images = random.normal(size=(COUNT, *SIZE, 1)).astype(np.float32)
    labels = random.integers(0, 3, (COUNT, *SIZE, 1)).astype(np.uint8)
    sampling = Sampling(COUNT, SIZE, shuffle=True, augment=AUGMENT, seed=2, **options)
    return SAXPyDataset(images, labels, sampling, batch_size=4, drop_remainder=drop_remainder), images, labels, sampling


def joined(loader):
    return [np.concatenate(part) for part in zip(*(loader[i] for i in range(len(loader))), strict=True)]


def test_batches_of_each_epoch_are_its_images_augmented():
    loader, images, labels, sampling = make()
    for epoch in range(2):
        order, parameters = sampling.epoch(epoch)
        expected = apply_augmentation(images[order], labels[order], parameters, crop=AUGMENT.crop)
        augmented, moved = joined(loader)
        # Another batch size is compiled anew and rounds anew.
        np.testing.assert_allclose(augmented, keras.ops.convert_to_numpy(expected[0]), atol=1e-4)
        assert np.mean(moved != keras.ops.convert_to_numpy(expected[1])) < 1e-3
        loader.on_epoch_end()


def test_batch_in_any_order_and_again_is_the_same():
    loader, *_ = make()
    forward = [loader[i] for i in range(3)]
    for i in (2, 0, 1, 2):
        for part, other in zip(loader[i], forward[i], strict=True):
            np.testing.assert_array_equal(part, other)


def test_last_batch_is_smaller_or_left_out():
    loader, *_ = make()
    assert [len(loader[i][0]) for i in range(len(loader))] == [4, 4, 3]
    whole, *_ = make(drop_remainder=True)
    assert [len(whole[i][0]) for i in range(len(whole))] == [4, 4]
    for index in (2, -1):
        with pytest.raises(IndexError, match=f"batch {index} of 2"):
            whole[index]


def test_batch_larger_than_the_shard_has_its_images_only():
    loader, *_ = make(shard=(0, 4))
    assert [len(loader[i][0]) for i in range(len(loader))] == [3]


def test_shards_together_equal_the_whole():
    whole = joined(make()[0])
    for i in range(3):
        for part, expected in zip(joined(make(shard=(i, 3))[0]), whole, strict=True):
            np.testing.assert_array_equal(part, expected[i::3])


@pytest.mark.parametrize("workers", [1, 4])
def test_epochs_with_threads_of_keras_are_the_same(workers):
    loader, reference = make()[0], make()[0]
    loader.workers = workers
    model = keras.Sequential([keras.Input((AUGMENT.crop, AUGMENT.crop, 1)), keras.layers.Identity()])
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(loader, verbose=0), joined(reference)[0])
        reference.on_epoch_end()


PROCESSES = """
    import keras, numpy as np
    from keras_lvseg.data.pydataset import SAXPyDataset
    from keras_lvseg.data.sampling import Sampling

    images = np.random.default_rng(0).normal(size=(6, 12, 16, 1)).astype("float32")
    sampling = Sampling(6, (12, 16), shuffle=True, seed=2)
    one, many = (SAXPyDataset(images, images > 0, sampling, batch_size=2) for _ in range(2))
    many.workers, many.use_multiprocessing = 2, True
    model = keras.Sequential([keras.Input((12, 16, 1)), keras.layers.Identity()])
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(many, verbose=0), model.predict(one, verbose=0))
    print("equal")
"""


@pytest.mark.slow
def test_epochs_with_processes_of_keras_and_no_augmentation_are_the_same():
    # In a process of its own, because Python warns of a fork with threads.
    run = [sys.executable, "-c", textwrap.dedent(PROCESSES)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.stdout == "equal\n", done.stderr
