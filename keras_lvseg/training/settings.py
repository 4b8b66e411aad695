"""What decides a training run, beside its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelName = Literal["fully_connected", "fcn", "unet"]


@dataclass(frozen=True)
class TrainingSettings:
    """The knobs of a training run.

    Args:
        model: Which network, see `keras_lvseg.models`.
        learning_rate: Adam's, at the start.
        decay_rate: With `decay_steps`: the rate is multiplied by it every so many steps (exponential staircase, as
            in the course). None lets the rate fall to zero along a cosine.
        decay_steps: See `decay_rate`; both or neither.
        epochs: How often each image is seen.
        batch_size: Images a step.
        seed: Decides initial weights, order and augmentation.
        filters: A U-Net's filters at full resolution; the other networks have the course's sizes.
        augment: Rotate, scale, shift, mirror and re-expose images at random.

    Raises:
        ValueError: An argument is out of its range.
    """

    model: ModelName = "unet"
    learning_rate: float = 1e-3
    decay_rate: float | None = None
    decay_steps: int | None = None
    epochs: int = 60
    batch_size: int = 4
    seed: int = 0
    filters: int = 16
    augment: bool = True

    def __post_init__(self) -> None:
        if self.model not in (models := ("fully_connected", "fcn", "unet")):
            raise ValueError(f"model has to be one of {', '.join(models)}. Received: model={self.model!r}")
        if (self.decay_rate is None) != (self.decay_steps is None):
            received = f"decay_rate={self.decay_rate}, decay_steps={self.decay_steps}"
            raise ValueError(f"decay_rate and decay_steps go together. Received: {received}")
        for name in ("learning_rate", "decay_rate", "decay_steps", "epochs", "batch_size", "filters"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} has to be above 0. Received: {name}={value}")
