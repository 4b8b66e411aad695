"""The command `keras-lvseg train`: a run folder from a folder of data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from keras_lvseg_cli.label_values import LabelOption, OutlineOption, read_label_values


def _positive(value: float | tuple[float, ...] | None) -> float | tuple[float, ...] | None:
    values = () if value is None else value if isinstance(value, tuple) else (value,)
    if not all(number > 0 for number in values):
        raise typer.BadParameter(f"expected numbers above 0, got {', '.join(map(str, values))}.")
    return value


def _is_given(context: typer.Context, option: str) -> bool:
    source = context.get_parameter_source(option)
    return source is not None and source.name == "COMMANDLINE"


# The defaults repeat `TrainingSettings`, because importing it would load Keras. A test compares them.
def train(
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label images.")],
    run: Annotated[Path, typer.Argument(help="Run folder, new or empty.")],
    context: typer.Context,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="TOML file with training settings, such as settings.toml of a run; options given beside it win.",
        ),
    ] = None,
    model: Annotated[Literal["fully_connected", "fcn", "unet"], typer.Option(help="Network.")] = "unet",
    loss: Annotated[
        Literal["dice_ce", "ce"], typer.Option(help="Dice with cross-entropy, or cross-entropy alone.")
    ] = "dice_ce",
    learning_rate: Annotated[float, typer.Option(callback=_positive, help="Initial learning rate of Adam.")] = 1e-3,
    decay: Annotated[
        tuple[float, int] | None,
        typer.Option(
            metavar="RATE STEPS",
            callback=_positive,
            help="Multiply the learning rate by RATE every STEPS steps; default: cosine decay to 0.",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Number of passes over the training images.")] = 60,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Number of optimizer steps, rounded to whole passes; it replaces --epochs."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images per step.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of initial weights, order and augmentation.")] = 0,
    filters: Annotated[int, typer.Option(min=1, help="Filters of a U-Net at full resolution.")] = 16,
    augmentation: Annotated[
        Literal["broad", "full", "plain", "none"],
        typer.Option(
            help="'plain' rotates, scales and adds noise; 'full' also changes position, shape and contrast; 'broad' "
            "also intensity curves, sharpness, field of view and the size of the cavity."
        ),
    ] = "full",
    image_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Crop or pad images to this side length, in pixels; default: 144 for a U-Net, else 256."
        ),
    ] = None,
    pixel_spacing: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=10, help="Resample images to this spacing, in mm; default: 1.5 for a U-Net, else none."
        ),
    ] = None,
    crop: Annotated[int, typer.Option(min=1, help="Side length of a U-Net's training crop, in pixels.")] = 96,
    phantoms: Annotated[int, typer.Option(min=0, help="Number of synthetic patients added to the training.")] = 0,
    target: Annotated[
        Literal["endocardium", "myocardium"],
        typer.Option(help="Find the cavity, or cavity and myocardium, with partial labels."),
    ] = "endocardium",
    empty_slices: Annotated[
        bool, typer.Option("--empty-slices", help="Train on the slices without any contour as well, as empty.")
    ] = False,
    labels_include_outline: OutlineOption = False,
    label: LabelOption = None,
    test: Annotated[
        list[str] | None,
        typer.Option(help="Patient to hold out for the test; repeatable; default: the challenge's, or a random fifth."),
    ] = None,
    validation: Annotated[list[str] | None, typer.Option(help="Patient to score after each epoch; repeatable.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
) -> None:
    """Train a network on the patients of a folder and hold others out. The official split is used if there is one."""
    from keras_lvseg.data import SAXDataset, choose_splits
    from keras_lvseg.reporting import terminal_text
    from keras_lvseg.training import TrainingSettings, read_settings, recipe_grid
    from keras_lvseg.training import train as train_run

    label_values = read_label_values(label)
    console = Console()
    options: dict[str, Any] = {
        "model": model,
        "loss": loss,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "seed": seed,
        "filters": filters,
        "augmentation": augmentation,
        "crop": crop,
        "phantoms": phantoms,
    }
    if settings_file is not None:
        options = {name: value for name, value in options.items() if _is_given(context, name)}
        if "epochs" in options:
            options.setdefault("steps", None)  # of the file, which would replace the epochs
    if decay is not None:
        options["decay_rate"], options["decay_steps"] = decay
    settings = replace(read_settings(settings_file) if settings_file else TrainingSettings(), **options)
    grid = recipe_grid(settings.model)
    if image_size is not None:
        grid["image_size"] = (image_size, image_size)
    if pixel_spacing is not None:
        grid["pixel_spacing"] = pixel_spacing
    splits = partial(choose_splits, test=test or (), validation=validation or (), seed=seed)
    dataset = SAXDataset(
        data,
        target=target,
        partial=target == "myocardium",
        splits=splits,
        labels_include_outline=labels_include_outline,
        label_values=label_values,
        empty_slices=empty_slices,
        **grid,
    )
    for name, split in dataset.info["splits"].items():
        console.print(terminal_text(f"{name}: {', '.join(split['patients'])}"), soft_wrap=True)
    folder = train_run(dataset, run, settings=settings, console=console, resume=resume)
    console.print(terminal_text(f"network in {folder.model}, curves in {folder.curves}"), soft_wrap=True)
