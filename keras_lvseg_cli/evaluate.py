"""The command `keras-lvseg evaluate`: scores of a training run on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder that 'train' wrote.")],
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label images.")],
    seen: Annotated[bool, typer.Option("--seen", help="Score the patients of the training, too.")] = False,
    labels_include_outline: Annotated[
        bool,
        typer.Option(
            "--labels-include-outline", help="The label images were filled with their outline included: remove it."
        ),
    ] = False,
) -> None:
    """Score a trained network on held-out patients, on the native grid of the images."""
    from keras_lvseg.reporting import challenge_table, score_table, terminal_text, write_evaluation
    from keras_lvseg.training import evaluate_run

    console = Console()
    evaluation = evaluate_run(run, data, seen=seen, labels_include_outline=labels_include_outline)
    files = write_evaluation(evaluation, run / "evaluation")
    console.print(score_table(evaluation.scores, f"{evaluation.target}, native grid"))
    console.print(challenge_table(evaluation.challenge))
    line = f"images in {files.contact_sheet}, scores in {files.scores}"
    console.print(terminal_text(line), soft_wrap=True)
