"""The command `keras-lvseg evaluate`: scores of a training run on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_lvseg_cli.label_values import LabelOption, OutlineOption, read_label_values


def evaluate(
    run: Annotated[str, typer.Argument(help="Run folder that 'train' wrote, or sax-lv: the bundled weights.")],
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label images.")],
    seen: Annotated[bool, typer.Option("--seen", help="Score the patients of the training, too.")] = False,
    labels_include_outline: OutlineOption = False,
    label: LabelOption = None,
) -> None:
    """Score a trained network on held-out patients, on the native grid of the images."""
    from keras_lvseg.models import pretrained_names
    from keras_lvseg.reporting import challenge_table, score_table, terminal_text, write_evaluation
    from keras_lvseg.training import evaluate_run

    label_values = read_label_values(label)
    console = Console()
    evaluation = evaluate_run(
        run, data, seen=seen, labels_include_outline=labels_include_outline, label_values=label_values
    )
    folder = Path(f"{run}-evaluation") if run in pretrained_names() else Path(run, "evaluation")
    files = write_evaluation(evaluation, folder)
    console.print(score_table(evaluation.scores, "cavity, native grid"))
    if evaluation.myocardium is not None:
        console.print(score_table(evaluation.myocardium, "myocardium, native grid"))
    console.print(challenge_table(evaluation.challenge))
    line = f"images in {files.contact_sheet}, scores in {files.scores}"
    console.print(terminal_text(line), soft_wrap=True)
