"""`keras-lvseg evaluate`: a run's network on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder that 'train' left.")],
    data: Annotated[Path, typer.Argument(help="Folder with DICOM and contours.")],
    seen: Annotated[bool, typer.Option(help="Score the patients that it was trained on as well.")] = False,
    labels_include_outline: Annotated[
        bool, typer.Option(help="Mend label pictures that were drawn too large.")
    ] = False,
) -> None:
    """Score a trained network on patients that it has not seen, on the images' own grid."""
    from keras_lvseg.reporting.evaluation_files import write_evaluation
    from keras_lvseg.reporting.score_tables import challenge_table, score_table
    from keras_lvseg.training.evaluate_run import evaluate_run
    from keras_lvseg.training.run_folder import RunFolder

    console = Console()
    folder = RunFolder.open(run)
    evaluation = evaluate_run(folder, data, seen, labels_include_outline)
    files = write_evaluation(evaluation, folder.path / "evaluation")
    console.print(score_table(evaluation.scores, f"{evaluation.target}, native grid"))
    console.print(challenge_table(evaluation.challenge))
    console.print(f"pictures in {files.contact_sheet}, every image's score in {files.scores}", soft_wrap=True)
