"""Training hyperparameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from keras_lvseg.data import Augmentation
from keras_lvseg.errors import invalid_argument

ModelName = Literal["fully_connected", "fcn", "unet"]
LossName = Literal["dice_ce", "ce"]
AugmentationName = Literal["broad", "full", "plain", "none"]

# Patients lie at any angle and radiographers turn the imaging plane by hand, so all rotations are equally likely. The
# shift brings every part of an image of 144 pixels into the crop, so that the network also learns the surroundings of
# the heart.
AUGMENTATIONS: dict[AugmentationName, Augmentation] = {
    "broad": Augmentation(
        rotation=180,
        scale=0.3,
        shift=24,
        flip=True,
        elastic=0.25,
        contrast=0.3,
        brightness=0.3,
        gamma=0.5,
        noise=0.25,
        shading=0.6,
        curve=1.0,
        recolour=0.1,
        detail=1.0,
        field=0.25,
        cavity=0.8,
    ),
    "full": Augmentation(
        rotation=180,
        scale=0.25,
        shift=28,
        flip=True,
        elastic=0.2,
        contrast=0.25,
        brightness=0.25,
        gamma=0.4,
        noise=0.2,
        shading=0.4,
    ),
    "plain": Augmentation(rotation=180, scale=0.2, noise=0.2),
    "none": Augmentation(),
}
"""Augmentation by the name that `TrainingSettings` takes."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Training hyperparameters. The defaults are the recipe, see the guide "The recipe".

    Args:
        model: Network, see `keras_lvseg.models`.
        loss: "dice_ce" (`SparseDiceCE`) or "ce" (`SparseSoftmaxCE`, the course's loss).
        learning_rate: Initial learning rate of Adam, above 0.
        decay_rate: Factor of the learning rate every `decay_steps` steps (exponential staircase, as in the course),
            above 0. None lets the rate fall to zero along a cosine.
        decay_steps: Steps per factor `decay_rate`, 1 or more. Both or neither must be given.
        weight_decay: Decoupled weight decay (AdamW), as a fraction per step and unit of learning rate, 0 or more.
        epochs: Passes over the training images, 1 or more. Without effect if `steps` is given.
        steps: Optimizer steps, 1 or more, rounded to whole passes over the training images, at least one. The length
            of the training then does not depend on the number of images.
        batch_size: Images per step, 1 or more.
        seed: Seed of initial weights, order and augmentation.
        filters: Filters of a U-Net at full resolution. The other networks have the sizes of the course.
        augmentation: "broad" ("full" in wider ranges, and intensity curves, detail, field of view and size of the
            cavity), "full" (position, shape, contrast, noise, shading), "plain" (rotation, scale, noise) or "none".
        crop: Side length of the training crop of a U-Net, in pixels. Prediction sees the whole image. Smaller images
            and the images of the other networks, which have a fixed input size, are not cropped.
        phantoms: Number of synthetic patients added to the training, see `keras_lvseg.phantom`.
        flip_tta: Test-time augmentation: average the probabilities of the image and of its three flips.
        postprocess: Keep the most certain connected component of the prediction, and fill its holes.
        dtype: Keras dtype policy of the training. None takes bfloat16 on a GPU and float32 elsewhere.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> TrainingSettings(epochs=3).model
        'unet'
        >>> TrainingSettings(epochs=0)
        Traceback (most recent call last):
        ValueError: Invalid value for argument `epochs`. Expected a number above 0. Received: epochs=0
    """

    model: ModelName = "unet"
    loss: LossName = "dice_ce"
    learning_rate: float = 1e-3
    decay_rate: float | None = None
    decay_steps: int | None = None
    weight_decay: float = 0.0
    epochs: int = 60
    steps: int | None = None
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
                raise invalid_argument(name, value, f"one of {', '.join(get_args(allowed))}")
        if (self.decay_rate is None) != (self.decay_steps is None):
            raise invalid_argument("decay_steps", self.decay_steps, "a number exactly if `decay_rate` is given")
        for name in ("learning_rate", "decay_rate", "decay_steps", "epochs", "steps", "batch_size", "filters", "crop"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise invalid_argument(name, value, "a number above 0")
        for name in ("weight_decay", "phantoms"):
            if not getattr(self, name) >= 0:
                raise invalid_argument(name, getattr(self, name), "a number of 0 or more")

    def epochs_for(self, steps_per_epoch: int) -> int:
        """Return the number of passes over the training images.

        Args:
            steps_per_epoch: Steps of one pass.

        Example:
            >>> TrainingSettings(steps=1000).epochs_for(64)
            16
        """
        return self.epochs if self.steps is None else max(round(self.steps / steps_per_epoch), 1)


def recipe_grid(model: ModelName) -> dict[str, Any]:
    """Return the grid of the recipe, as keyword arguments of `SAXDataset`.

    A U-Net gets 144 x 144 pixels of 1.5 mm, 216 mm around the centre of the frame. The networks of the course get
    256 x 256 native pixels, as in the course.

    Args:
        model: The network.

    Example:
        >>> recipe_grid("unet")
        {'image_size': (144, 144), 'pixel_spacing': 1.5}
    """
    if model == "unet":
        return {"image_size": (144, 144), "pixel_spacing": 1.5}
    return {"image_size": (256, 256)}
