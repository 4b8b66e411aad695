"""The command `keras-lvseg audit`: faults in a folder of data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keras_lvseg_cli.label_values import LabelOption, read_label_values


def audit(
    data: Annotated[Path, typer.Argument(help="Folder with images and contours or label images.")],
    label: LabelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check every file for faults that would spoil a training. The exit code is 1 if there is an error."""
    from keras_lvseg.audit import audit_tree
    from keras_lvseg.reporting import audit_summary, audit_table, progress_bar

    label_values = read_label_values(label)
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task("checking patients", total=None)
        report = audit_tree(
            data,
            label_values=label_values,
            on_patient=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps(report.as_dict(), indent=2))
    else:
        console = Console()
        if report.findings:
            console.print(audit_table(report))
        console.print(audit_summary(report), soft_wrap=True)
    if report.errors:
        raise typer.Exit(1)
