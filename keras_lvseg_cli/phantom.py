"""The command `keras-lvseg phantom`: a synthetic cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console


def phantom(
    out: Annotated[Path, typer.Argument(help="Output folder, new or empty.")],
    patients: Annotated[int, typer.Option(min=1, help="Number of patients.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    tree: Annotated[
        Literal["sample", "cardiac-atlas", "challenge"],
        typer.Option(help="Layout of the folders. 'challenge' adds four decoy series per patient."),
    ] = "sample",
) -> None:
    """Write synthetic beating hearts as DICOM studies with contours and known volumes."""
    from keras_lvseg.phantom import write_phantom
    from keras_lvseg.reporting import progress_bar, terminal_text

    console = Console()
    with progress_bar(console) as progress:
        task = progress.add_task("writing hearts", total=patients)
        truths = write_phantom(
            out, patients=patients, seed=seed, tree=tree, on_patient=lambda _: progress.advance(task)
        )
    line = f"{len(truths)} hearts in {out}, their volumes in {out / 'phantom.json'}"
    console.print(terminal_text(line), soft_wrap=True)
