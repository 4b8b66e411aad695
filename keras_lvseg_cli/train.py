"""`keras-lvseg train`: a run folder from a folder of data."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_lvseg.training.settings import TrainingSettings

_RECIPE = TrainingSettings()


class Model(StrEnum):
    """The course's networks, in its order."""

    fully_connected = "fully_connected"
    fcn = "fcn"
    unet = "unet"


class Loss(StrEnum):
    """Dice with cross-entropy, or the course's cross-entropy alone."""

    dice_ce = "dice_ce"
    ce = "ce"


class Changes(StrEnum):
    """How images are changed at random."""

    full = "full"
    plain = "plain"
    none = "none"


def train(
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label pictures.")],
    run: Annotated[Path, typer.Argument(help="Folder for the run, new or empty.")],
    model: Annotated[Model, typer.Option(help="Which network.")] = Model.unet,
    loss: Annotated[Loss, typer.Option(help="Dice with cross-entropy, or cross-entropy alone.")] = Loss.dice_ce,
    learning_rate: Annotated[float, typer.Option(help="Adam's, at the start.")] = _RECIPE.learning_rate,
    decay_rate: Annotated[
        float | None, typer.Option(help="Multiply the rate by this every --decay-steps; cosine decay where left out.")
    ] = None,
    decay_steps: Annotated[int | None, typer.Option(help="See --decay-rate.")] = None,
    epochs: Annotated[int, typer.Option(help="How often each image is seen.")] = _RECIPE.epochs,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = _RECIPE.batch_size,
    seed: Annotated[int, typer.Option(min=0, help="Decides initial weights, order and changes.")] = 0,
    filters: Annotated[int, typer.Option(help="A U-Net's filters at full resolution.")] = _RECIPE.filters,
    augmentation: Annotated[Changes, typer.Option(help="How images are changed at random.")] = Changes.full,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Cut or pad to this many pixels; 144 for a U-Net, else 256.")
    ] = None,
    pixel_spacing: Annotated[
        float | None, typer.Option(help="mm to resample to first; 1.5 for a U-Net, else the images' own.")
    ] = None,
    crop: Annotated[int, typer.Option(help="Pixels of it that a U-Net is trained on at a time.")] = _RECIPE.crop,
    phantoms: Annotated[int, typer.Option(help="Synthetic patients to train on as well.")] = _RECIPE.phantoms,
    labels_include_outline: Annotated[
        bool, typer.Option(help="Mend label pictures that were drawn too large.")
    ] = False,
    test: Annotated[
        list[str] | None, typer.Option(help="A patient to keep for the test; may be given more than once.")
    ] = None,
    validation: Annotated[
        list[str] | None, typer.Option(help="A patient to follow along with; may be given more than once.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a run that was broken off.")] = False,
) -> None:
    """Train a network on patients, others kept apart; the official split where the data has one."""
    from keras_lvseg.data import SAXDataset, choose_splits
    from keras_lvseg.training.settings import recipe_grid
    from keras_lvseg.training.train import train as train_run

    console = Console()
    settings = TrainingSettings(
        model=model.value,
        loss=loss.value,
        learning_rate=learning_rate,
        decay_rate=decay_rate,
        decay_steps=decay_steps,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        filters=filters,
        augmentation=augmentation.value,
        crop=crop,
        phantoms=phantoms,
    )
    grid = recipe_grid(settings.model)
    if image_size is not None:
        grid["image_size"] = (image_size, image_size)
    if pixel_spacing is not None:
        grid["pixel_spacing"] = pixel_spacing
    splits = partial(choose_splits, test=test or (), validation=validation or (), seed=seed)
    dataset = SAXDataset(data, splits=splits, labels_include_outline=labels_include_outline, **grid)
    for name, split in dataset.info["splits"].items():
        console.print(f"{name}: {', '.join(split['patients'])}", soft_wrap=True)
    folder = train_run(dataset, run, settings, console, resume)
    console.print(f"network in {folder.model}, curves in {folder.curves}", soft_wrap=True)
