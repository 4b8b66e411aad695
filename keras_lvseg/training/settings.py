"""What decides a training run, beside its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

ModelName = Literal["fully_connected", "fcn", "unet"]
LossName = Literal["dice_ce", "ce"]
AugmentationName = Literal["full", "plain", "none"]


@dataclass(frozen=True)
class TrainingSettings:
    """The knobs of a training run; what they are by default is the recipe, chosen as the page "The recipe" shows.

    Args:
        model: Which network, see `keras_lvseg.models`.
        loss: "dice_ce" (`SparseDiceCE`) or "ce" (`SparseSoftmaxCE`, the course's).
        learning_rate: Adam's, at the start.
        decay_rate: With `decay_steps`: the rate is multiplied by it every so many steps (exponential staircase, as
            in the course). None lets the rate fall to zero along a cosine.
        decay_steps: See `decay_rate`; both or neither.
        weight_decay: Part by which each step shrinks the weights, times the rate; decoupled from the gradient (AdamW).
        epochs: How often each image is seen.
        batch_size: Images a step.
        seed: Decides initial weights, order and augmentation.
        filters: A U-Net's filters at full resolution; the other networks have the course's sizes.
        augmentation: How images are changed at random: "full" (place, shape, contrast, noise, shading), "plain"
            (rotation, scale and noise) or "none".
        crop: Rows and columns that a U-Net is trained on, cut out of the changed image; at test it sees the whole. An
            image that is smaller, and the other networks, which are made for one size, are not cut.
        phantoms: Synthetic patients to train on as well, see `keras_lvseg.phantom`.
        flip_tta: Test-time augmentation: average the probabilities of the image and of its three flips.
        postprocess: Keep the most certain connected component of the prediction, and fill its holes.
        dtype: Keras' dtype policy to train under. None takes bfloat16 on a GPU and float32 elsewhere.

    Raises:
        ValueError: An argument is out of its range.
    """

    model: ModelName = "unet"
    loss: LossName = "dice_ce"
    learning_rate: float = 1e-3
    decay_rate: float | None = None
    decay_steps: int | None = None
    weight_decay: float = 0.0
    epochs: int = 60
    batch_size: int = 4
    seed: int = 0
    filters: int = 16
    augmentation: AugmentationName = "full"
    crop: int = 96
    phantoms: int = 0
    flip_tta: bool = True
    postprocess: bool = True
    dtype: str | None = None

    def __post_init__(self) -> None:
        choices = {"model": ModelName, "loss": LossName, "augmentation": AugmentationName}
        for name, allowed in choices.items():
            if (value := getattr(self, name)) not in get_args(allowed):
                raise ValueError(f"{name} has to be one of {', '.join(get_args(allowed))}. Received: {name}={value!r}")
        if (self.decay_rate is None) != (self.decay_steps is None):
            received = f"decay_rate={self.decay_rate}, decay_steps={self.decay_steps}"
            raise ValueError(f"decay_rate and decay_steps go together. Received: {received}")
        for name in ("learning_rate", "decay_rate", "decay_steps", "epochs", "batch_size", "filters", "crop"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} has to be above 0. Received: {name}={value}")
        for name in ("weight_decay", "phantoms"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} has to be 0 or more. Received: {name}={getattr(self, name)}")


def recipe_grid(model: ModelName) -> dict[str, Any]:
    """The grid that the recipe shows a network, as keywords of `SAXDataset`.

    A U-Net gets 216 mm about the frame's centre at 1.5 mm a pixel, whatever the scanner's pixels are; the course's
    networks get the frame's own pixels, as in the course.
    """
    if model == "unet":
        return {"image_size": (144, 144), "pixel_spacing": 1.5}
    return {"image_size": (256, 256)}
