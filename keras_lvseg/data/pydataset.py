"""A split as a keras.utils.PyDataset: batches for `fit` on any backend, no TensorFlow needed."""

from __future__ import annotations

import math

import keras
import numpy as np

from keras_lvseg.data.changes import apply_change
from keras_lvseg.data.sampling import Sampling


class SAXPyDataset(keras.utils.PyDataset):
    """Batches of images and labels that lie in memory.

    Args:
        images: float32 array of shape (images, H, W, 1).
        labels: uint8 array of the same shape.
        sampling: Order and changes.
        batch_size: Images a batch; the last one may be smaller.
        drop_remainder: Leave such a smaller batch out.

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
            raise ValueError(f"batch_size has to be 1 or more. Received: batch_size={batch_size}")
        self._images, self._labels, self._sampling = images, labels, sampling
        self._batch_size, self._drop_remainder = batch_size, drop_remainder
        self.start_at(0)

    def __len__(self) -> int:
        batches = self._sampling.size / self._batch_size
        return math.floor(batches) if self._drop_remainder else math.ceil(batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        batch = slice(index * self._batch_size, (index + 1) * self._batch_size)
        order, changes = self._order[batch], self._changes[batch]
        images, labels = self._images[order], self._labels[order]
        if self._sampling.augment is not None:
            pairs = [apply_change(*pair) for pair in zip(images, labels, changes, strict=True)]
            images, labels = (np.stack(part)[:, *self._sampling.window] for part in zip(*pairs, strict=True))
        return images, labels

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order and changes."""
        self.start_at(self._epoch + 1)

    def start_at(self, epoch: int) -> None:
        """Draw an epoch's order and changes, as a training that goes on after a break needs them.

        Args:
            epoch: Index of the epoch, from 0.
        """
        self._epoch = epoch
        self._order, self._changes = self._sampling.epoch(self._epoch)
