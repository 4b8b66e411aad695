"""Split as a keras.utils.PyDataset, on any backend."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from keras_lvseg.data.augmentation_ops import apply_augmentation
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.errors import invalid_argument


class SAXPyDataset(keras.utils.PyDataset):
    """Batches of images and labels in memory.

    Augmentation runs on the device that Keras uses, and its batches stay there as tensors. Batches without
    augmentation are NumPy arrays. Threads can make them (`workers`); with augmentation, processes cannot
    (`use_multiprocessing`), because a backend does not survive a fork.

    Args:
        images: float32 array of shape (images, H, W, 1).
        labels: uint8 array of the same shape.
        sampling: Order and augmentation.
        batch_size: Images per batch. The last batch may be smaller.
        drop_remainder: Leave out a smaller last batch.

    Raises:
        ValueError: `batch_size` is below 1.

    Example:
        >>> images, labels = np.zeros((5, 8, 6, 1), np.float32), np.zeros((5, 8, 6, 1), np.uint8)
        >>> loader = SAXPyDataset(images, labels, Sampling(5, (8, 6)), batch_size=2)
        >>> len(loader), loader[2][0].shape
        (3, (1, 8, 6, 1))
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        sampling: Sampling,
        *,
        batch_size: int,
        drop_remainder: bool = False,
    ):
        super().__init__()
        if batch_size < 1:
            raise invalid_argument("batch_size", batch_size, "an integer of 1 or more")
        self._images, self._labels, self._sampling = images, labels, sampling
        self._batch_size, self._drop_remainder = batch_size, drop_remainder
        self.start_at(0)

    def __len__(self) -> int:
        if self._drop_remainder:  # all shards have as many batches as the smallest
            _, shards = self._sampling.shard or (0, 1)
            return self._sampling.count // shards // self._batch_size
        return math.ceil(self._sampling.size / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        places = np.arange(index * self._batch_size, (index + 1) * self._batch_size)
        count = min(self._batch_size, self._sampling.size - places[0])
        if self._sampling.augment is None:
            places = places[:count]
        # A smaller last batch is padded with other images, so that the augmentation is compiled for one shape.
        places %= self._sampling.size
        batch = self._images[self._order[places]], self._labels[self._order[places]]
        if self._sampling.augment is None:
            return batch
        augmented = apply_augmentation(*batch, self._parameters[places], crop=self._sampling.augment.crop)
        return augmented if count == len(places) else (augmented[0][:count], augmented[1][:count])

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order and augmentation."""
        self.start_at(self._epoch + 1)

    def start_at(self, epoch: int) -> None:
        """Draw the order and augmentation of an epoch, as a resumed training needs them.

        Args:
            epoch: Index of the epoch, from 0.
        """
        self._epoch = epoch
        self._order, self._parameters = self._sampling.epoch(self._epoch)
