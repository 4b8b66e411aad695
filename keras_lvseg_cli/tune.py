"""The command `keras-lvseg tune`: the training settings with the best Dice of held-out patients."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_lvseg_cli.label_values import LabelOption, OutlineOption, read_label_values


def tune(
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label images.")],
    out: Annotated[Path, typer.Argument(help="Folder of the search: new, empty, or of the same search, to share it.")],
    trials: Annotated[int, typer.Option(min=1, help="Number of trials, of all processes together.")] = 30,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds of patients that each trial is scored on.")] = 3,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML file with the ranges; default: learning_rate, decay_rate, decay_steps and epochs.",
        ),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="TOML file with the training settings that are not varied."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the folds and of the search.")] = 0,
    labels_include_outline: OutlineOption = False,
    label: LabelOption = None,
    test: Annotated[list[str] | None, typer.Option(help="Patient to leave out of the search; repeatable.")] = None,
) -> None:
    """Search for training settings by cross-validation. The patients of the test split are left out."""
    if importlib.util.find_spec("optuna") is None:
        raise typer.BadParameter("needs the extra 'tune': pip install 'keras-lvseg[tune]'", param_hint="tune")
    from keras_lvseg.data import SAXDataset, choose_splits
    from keras_lvseg.reporting import terminal_text
    from keras_lvseg.training import TrainingSettings, read_settings, read_space, recipe_grid
    from keras_lvseg.training import tune as search

    settings = read_settings(settings_file) if settings_file else TrainingSettings()
    dataset = SAXDataset(
        data,
        splits=partial(choose_splits, test=test or (), seed=seed),
        labels_include_outline=labels_include_outline,
        label_values=read_label_values(label),
        **recipe_grid(settings.model),
    )
    console = Console()
    folder = search(
        dataset,
        out,
        space=read_space(space) if space else None,
        settings=settings,
        trials=trials,
        folds=folds,
        seed=seed,
        console=console,
    )
    console.print(terminal_text(f"best settings in {folder.best}, all trials in {folder.trials}"), soft_wrap=True)
