"""Order and augmentation of a split's images, drawn once per epoch, the same for every pipeline."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.errors import invalid_argument


@dataclass(frozen=True)
class Sampling:
    """Order and augmentation of a split's images, by epoch.

    Args:
        count: Number of images in the split.
        image_size: Rows and columns of an image.
        shuffle: Draw a new order every epoch.
        augment: Ranges of the augmentation. None augments nothing.
        seed: Seed of all epochs. None draws one.
        shard: (index, count): every `count`-th image of the epoch's order from `index` on. None takes all.

    Raises:
        ValueError: `shard` is not (index, count) with index < count, a shuffled shard has no seed (each shard would
            draw its own order), or `augment.crop` is larger than the image.

    Example:
        >>> order, parameters = Sampling(5, (64, 64), shard=(1, 2)).epoch(0)
        >>> order, parameters.shape
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
            raise invalid_argument("seed", self.seed, "an integer for a shuffled shard, the same for all shards")
        if self.seed is None:
            object.__setattr__(self, "seed", int(np.random.SeedSequence().generate_state(1)[0]))
        if self.shard is not None and not 0 <= self.shard[0] < self.shard[1]:
            raise invalid_argument("shard", self.shard, "(index, count) with index < count")
        if self.augment is not None and (self.augment.crop or 0) > min(self.image_size):
            raise invalid_argument("crop", self.augment.crop, f"at most the sides of an image of {self.image_size}")

    @property
    def size(self) -> int:
        """The number of images in an epoch."""
        index, count = self.shard or (0, 1)
        return len(range(index, self.count, count))

    def epoch(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw one epoch.

        Args:
            epoch: Index of the epoch, from 0.

        Returns:
            Indices of images, int64 of shape (size,), and parameters of their augmentation, float32 of shape
            (size, 125), or (size, 0) without augmentation.
        """
        assert self.seed is not None
        order = np.arange(self.count)
        if self.shuffle:
            # The third number keeps this stream apart from those of `Augmentation.draw`.
            order = np.random.default_rng([self.seed, epoch, 1]).permutation(self.count)
        if self.shard is not None:
            order = order[self.shard[0] :: self.shard[1]]
        if self.augment is None:
            return order, np.empty((len(order), 0), np.float32)
        parameters = self.augment.draw(self.seed, epoch, count=self.count, image_size=self.image_size)
        return order, parameters[order]
