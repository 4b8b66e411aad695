"""`keras-lvseg demo`: the whole path on synthetic hearts, no data needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def demo(
    out: Annotated[Path, typer.Argument(help="Folder to write, new or empty.")] = Path("keras-lvseg-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Decides hearts and training.")] = 0,
) -> None:
    """Write synthetic hearts, train a small U-Net for about a minute, score it on hearts that it never saw."""
    from keras_lvseg_cli.run_demo import run_demo

    run_demo(out, seed, Console())
