"""The command `keras-lvseg compare-volumes`: measured volumes beside true ones, and the Data Science Bowl."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_lvseg_cli.backend import load_backend


def compare_volumes(
    volumes: Annotated[
        Path,
        typer.Argument(metavar="VOLUMES.csv", help="volumes.csv that 'segment' wrote, or a CSV: study,edv_ml,esv_ml."),
    ],
    truth: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRUTH.csv",
            show_default=False,
            help="True volumes, a CSV: Id,Systole,Diastole or study,edv_ml,esv_ml. Not needed for a submission.",
        ),
    ] = None,
    key: Annotated[str, typer.Option(metavar="COLUMN", help="Column that names the studies, such as patient.")] = (
        "study"
    ),
    out: Annotated[
        Path | None, typer.Option(help="Folder for comparison.json, studies.csv and bland_altman.png.")
    ] = None,
    fit: Annotated[
        Path | None,
        typer.Option(metavar="TRAIN.json", help="Fit the calibration of the volumes on all studies, and write it."),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option(metavar="TRAIN.json", help="Calibration of other patients, from --fit.")
    ] = None,
    submission: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Write a submission to the Data Science Bowl; needs --apply.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(metavar="SAMPLE.csv", help="Sample submission: --submission gets its rows in its order."),
    ] = None,
) -> None:
    """Compare volumes with true ones: bias, limits of agreement, CRPS. Make a submission to the Data Science Bowl."""
    _check_usage(volumes, truth, apply, sample, fit=fit, out=out, submission=submission)
    load_backend(find_devices=False)  # nothing is computed on it, but `keras_lvseg` imports Keras
    from keras_lvseg.evaluation import compare_volumes, read_volume_calibrations
    from keras_lvseg.io import read_bowl_rows, read_volume_table, write_bowl_submission
    from keras_lvseg.reporting import (
        comparison_notes,
        comparison_table,
        submission_notes,
        terminal_text,
        write_comparison,
    )

    console = Console()
    calibrations = read_volume_calibrations(apply) if apply else None
    table = read_volume_table(volumes, key=key)
    lines = [*table.problems] if truth is None else []
    if truth:
        comparison = compare_volumes(table, read_volume_table(truth, key=key), calibrations=calibrations)
        if fit:
            comparison.fit_calibrations().write(fit)
        console.print(comparison_table(comparison, width=console.width))
        lines += comparison_notes(comparison)
        if fit:
            lines.append(f"calibration of {len(comparison.studies)} studies in {fit}")
        if out:
            files = write_comparison(comparison, out)
            lines.append(f"plots in {files.bland_altman}, figures in {files.comparison}")
    if submission and calibrations:
        order = read_bowl_rows(sample) if sample else {}
        rows = table.select(order.values()) if order else table.rows
        write_bowl_submission(submission, *calibrations.distributions(rows), order=[*order])
        lines += [*submission_notes(rows), f"submission of {len(rows)} studies in {submission}"]
    for line in lines:
        console.print(terminal_text(line), soft_wrap=True)


def _check_usage(
    volumes: Path, truth: Path | None, apply: Path | None, sample: Path | None, **outputs: Path | None
) -> None:
    """Raise for options that do not belong together, and for an output that is an input."""
    if truth is None and outputs["submission"] is None:
        raise typer.BadParameter("is missing; only --apply with --submission needs none", param_hint="TRUTH.csv")
    if truth is None and (outputs["fit"] or outputs["out"]):
        raise typer.BadParameter("is missing; --fit and --out need it", param_hint="TRUTH.csv")
    if outputs["submission"] and apply is None:
        raise typer.BadParameter("needs --apply TRAIN.json", param_hint="--submission")
    if sample and outputs["submission"] is None:
        raise typer.BadParameter("needs --submission OUT.csv", param_hint="--sample")
    if outputs["fit"] and apply:
        raise typer.BadParameter("cannot be used together with --apply", param_hint="--fit")
    inputs = [path.resolve() for path in (volumes, truth, apply, sample) if path]
    for name, path in outputs.items():
        if path and path.resolve() in inputs:
            raise typer.BadParameter(f"{path} is an input", param_hint=f"--{name}")
