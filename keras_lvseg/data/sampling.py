"""Which image comes when, and how it is changed: drawn once an epoch, the same for every pipeline."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.columns import COLUMNS


@dataclass(frozen=True)
class Sampling:
    """The order of a split's images and their changes, by epoch.

    Args:
        count: How many images the split has.
        image_size: Rows and columns of an image.
        shuffle: A new order every epoch.
        augment: What to draw changes from; None changes nothing.
        seed: None draws one.
        shard: (index, count): every `count`-th image of the epoch's order from `index` on; None takes all.

    Raises:
        ValueError: `shard` is not an index below a count, or shuffles by no seed: each shard would cut its own order;
            or what `augment` crops to is larger than the image.

    Example:
        >>> order, changes = Sampling(5, (64, 64), shard=(1, 2)).epoch(0)
        >>> order, changes.shape
        (array([1, 3]), (2, 0))
    """

    count: int
    image_size: tuple[int, int]
    _: KW_ONLY
    shuffle: bool = False
    augment: Augmentation | None = None
    seed: int | None = None
    shard: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.shard is not None and self.shuffle and self.seed is None:
            raise ValueError("shards of a shuffled split need one seed, the same in all of them. Received: seed=None")
        if self.seed is None:
            object.__setattr__(self, "seed", int(np.random.SeedSequence().generate_state(1)[0]))
        if self.shard is not None and not 0 <= self.shard[0] < self.shard[1]:
            raise ValueError(f"shard has to be (index, count) with index < count. Received: shard={self.shard}")

        if self.augment is not None and (self.augment.crop or 0) > min(self.image_size):
            raise ValueError(f"crop fits into an image of {self.image_size}. Received: crop={self.augment.crop}")

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of a changed image that are kept."""
        kept = [(self.augment and self.augment.crop) or size for size in self.image_size]
        rows, columns = (
            slice((size - k) // 2, (size - k) // 2 + k) for size, k in zip(self.image_size, kept, strict=True)
        )
        return rows, columns

    @property
    def size(self) -> int:
        """How many images an epoch has."""
        index, count = self.shard or (0, 1)
        return len(range(index, self.count, count))

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw one epoch.

        Returns:
            Indices of images, int64 of shape (size,), and their changes, float32 of shape (size, 125), or
            (size, 0) where nothing is changed.
        """
        assert self.seed is not None
        order = np.arange(self.count)
        if self.shuffle:
            # A third number keeps the order's stream apart from the changes'.
            order = np.random.default_rng([self.seed, epoch, 1]).permutation(self.count)
        if self.shard is not None:
            order = order[self.shard[0] :: self.shard[1]]
        if self.augment is None:
            return order, np.empty((len(order), 0), np.float32)
        changes = self.augment.draw(self.seed, epoch, self.count, self.image_size)
        assert changes.shape[1] == COLUMNS
        return order, changes[order]
