"""`keras-lvseg train`: a run folder from a folder of data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Model(StrEnum):
    """The course's networks, in its order."""

    fully_connected = "fully_connected"
    fcn = "fcn"
    unet = "unet"


def train(
    data: Annotated[Path, typer.Argument(help="Folder with DICOM and contours.")],
    run: Annotated[Path, typer.Argument(help="Folder for the run, new or empty.")],
    model: Annotated[Model, typer.Option(help="Which network.")] = Model.unet,
    learning_rate: Annotated[float, typer.Option(help="Adam's, at the start.")] = 1e-3,
    decay_rate: Annotated[
        float | None, typer.Option(help="Multiply the rate by this every --decay-steps; cosine decay where left out.")
    ] = None,
    decay_steps: Annotated[int | None, typer.Option(help="See --decay-rate.")] = None,
    epochs: Annotated[int, typer.Option(help="How often each image is seen.")] = 60,
    batch_size: Annotated[int, typer.Option(help="Images a step.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Decides initial weights, order and augmentation.")] = 0,
    filters: Annotated[int, typer.Option(help="A U-Net's filters at full resolution.")] = 16,
    augment: Annotated[bool, typer.Option(help="Change images at random.")] = True,
    image_size: Annotated[
        int | None, typer.Option(min=1, help="Cut or pad to this many pixels; 128 for a U-Net, else 256.")
    ] = None,
    test: Annotated[
        list[str] | None, typer.Option(help="A patient to keep for the test; may be given more than once.")
    ] = None,
    validation: Annotated[
        list[str] | None, typer.Option(help="A patient to follow along with; may be given more than once.")
    ] = None,
) -> None:
    """Train a network on patients, others kept apart; the official split where the data has one."""
    from keras_lvseg.data.layouts import index_tree
    from keras_lvseg.data.sax import SAXDataset
    from keras_lvseg.training.settings import TrainingSettings
    from keras_lvseg.training.splits import choose_splits
    from keras_lvseg.training.train import train as train_run

    console = Console()
    settings = TrainingSettings(
        model.value, learning_rate, decay_rate, decay_steps, epochs, batch_size, seed, filters, augment
    )
    size = image_size or (128 if settings.model == "unet" else 256)
    splits = choose_splits(index_tree(data), test or (), validation or (), seed)
    dataset = SAXDataset(data, splits=splits, image_size=(size, size))
    for name, patients in splits.items():
        console.print(f"{name}: {', '.join(patients)}", soft_wrap=True)
    folder = train_run(dataset, run, settings, console)
    console.print(f"network in {folder.model}, curves in {folder.curves}", soft_wrap=True)
