"""`keras-lvseg prepare`: decode a tree once, before it is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def prepare(data: Annotated[Path, typer.Argument(help="Folder with DICOM.")]) -> None:
    """Decode a folder's DICOM into the cache, which training then reads in its place."""
    from keras_lvseg.data.prepare import prepare as prepare_tree
    from keras_lvseg.reporting.progress import progress_bar

    console = Console()
    with progress_bar(console) as progress:
        task = progress.add_task("decoding", total=None)
        done = prepare_tree(data, lambda there, due: progress.update(task, completed=there, total=due))
    if not done.frames:
        console.print(f"{data}: holds no DICOM: there is nothing to decode", soft_wrap=True)
        return
    known = done.frames - done.decoded
    what = f"{done.decoded:,} decoded, {known:,} there already" if done.decoded else "all there already"
    console.print(f"{done.frames:,} frames: {what}; in {done.folder}, which may be removed at any time", soft_wrap=True)
