"""The command `keras-lvseg segment`: masks, volumes and reports of studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from keras_lvseg_cli.cluster_options import RetriesOption, SchedulerOption, WorkersOption, cluster_of_options


def segment(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="DICOM or NIfTI file, PNG image, or folder of these.")
    ],
    out: Annotated[Path, typer.Argument(help="Output folder, new or empty.")],
    run: Annotated[
        Path | None, typer.Option(help="Run folder that 'train' wrote; default: the bundled weights.")
    ] = None,
    write: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="What to write, of masks, report, contours, overlays, nifti and dicom-seg, with commas.",
        ),
    ] = "masks,report",
    resume: Annotated[bool, typer.Option("--resume", help="Go on in OUT and keep its finished studies.")] = False,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Number the studies; no patient and no file name in any output.")
    ] = False,
    independent: Annotated[
        bool, typer.Option("--independent", help="Decide each image by itself, without the rest of its study.")
    ] = False,
    pixel_spacing: Annotated[
        float | None,
        typer.Option(min=0.1, max=10, help="mm, for images of unknown spacing: PNG images without a patients.csv."),
    ] = None,
    engine: Annotated[
        Literal["auto", "keras", "openvino", "onnx"],
        typer.Option(help="What computes the network; 'auto': OpenVINO if it is installed and there is no GPU."),
    ] = "auto",
    views: Annotated[
        Literal[1, 2, 4] | None,
        typer.Option(help="Views of each image to average: 1, 2 or 4; more take longer; default: 2."),
    ] = None,
    workers: WorkersOption = None,
    scheduler: SchedulerOption = None,
    retries: RetriesOption = 3,
) -> None:
    """Segment the left ventricle: masks, volumes and a report of each study."""
    from keras_lvseg import Segmenter
    from keras_lvseg.inference import OUTPUTS, open_results
    from keras_lvseg.reporting import progress_bar, segmentation_notes, segmentation_table, terminal_text

    outputs = [name.strip() for name in write.split(",") if name.strip()]
    unknown = [name for name in outputs if name not in OUTPUTS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(OUTPUTS)}", param_hint="--write")
    console = Console()
    with (
        open_results(out, outputs=outputs, resume=resume, anonymous=anonymous) as results,
        cluster_of_options(workers, scheduler) as client,
    ):
        segmenter = Segmenter(run, independent=independent, engine=engine, views=views)
        with progress_bar(console) as progress:
            task = progress.add_task("reading headers", total=None)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            segmentation = segmenter.segment(source, pixel_spacing=pixel_spacing, on_read=show, client=client)
            progress.reset(task, description="segmenting", total=None)
            summary = results.write(segmentation, show, client=client, retries=retries)
    console.print(segmentation_table(summary.studies, width=console.width))
    lines = segmentation_notes(summary.studies, summary.notes, summary.skipped)
    for line in [*lines, f"results in {out}, all studies in {out / 'index.html'}"]:
        console.print(terminal_text(line), soft_wrap=True)
    if summary.failed:
        raise typer.Exit(1)
