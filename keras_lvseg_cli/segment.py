"""The command `keras-lvseg segment`: masks, contours and volumes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def segment(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="DICOM file, PNG image, or folder of both.")],
    out: Annotated[Path, typer.Argument(help="Output folder, new or empty.")],
    run: Annotated[
        Path | None, typer.Option(help="Run folder that 'train' wrote; default: the bundled weights.")
    ] = None,
    pixel_spacing: Annotated[
        float | None,
        typer.Option(min=0.1, max=10, help="mm, for images of unknown spacing: PNG images without a patients.csv."),
    ] = None,
) -> None:
    """Segment the cavity of the left ventricle: masks, contours, overlays, areas and volumes."""
    from keras_lvseg import Segmenter
    from keras_lvseg.files import require_empty
    from keras_lvseg.reporting import progress_bar, segmentation_notes, segmentation_table, terminal_text

    console = Console()
    require_empty(out)
    segmenter = Segmenter(run)
    with progress_bar(console) as progress:
        task = progress.add_task("segmenting", total=None)
        segmentation = segmenter.segment(
            source,
            pixel_spacing=pixel_spacing,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    segmentation.write(out)
    result = segmentation.as_dict()
    console.print(segmentation_table(result))
    for line in [*segmentation_notes(result), f"masks, contours and overlays in {out}"]:
        console.print(terminal_text(line), soft_wrap=True)
