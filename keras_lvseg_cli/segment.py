"""`keras-lvseg segment`: masks, contours and volumes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def segment(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A DICOM file, a PNG picture, or a folder with any of these.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder to write, new or empty.")],
    run: Annotated[
        Path | None, typer.Option(help="A run folder that 'train' left; else the network that comes along is used.")
    ] = None,
    pixel_spacing: Annotated[
        float | None, typer.Option(help="mm, of images that do not tell it: PNG pictures without a patients.csv.")
    ] = None,
) -> None:
    """Find the left ventricle's cavity: masks, contours, pictures, areas and volumes."""
    from rich.text import Text

    from keras_lvseg import Segmenter
    from keras_lvseg.files import require_empty
    from keras_lvseg.reporting.progress_bar import progress_bar
    from keras_lvseg.reporting.segmentation_table import remarks, segmentation_table

    console = Console()
    require_empty(out)
    segmenter = Segmenter(run)
    with progress_bar(console) as progress:
        task = progress.add_task("segmenting", total=None)
        segmentation = segmenter.segment(
            source, pixel_spacing, lambda done, due: progress.update(task, completed=done, total=due)
        )
    segmentation.write(out)
    result = segmentation.as_dict()
    console.print(segmentation_table(result))
    for line in [*remarks(result), f"masks, contours and pictures in {out}"]:
        console.print(Text(line), soft_wrap=True)  # as Text, for names may look like markup
