"""Volumes of all studies, for a terminal and as CSV."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from keras_lvseg.errors import printable
from keras_lvseg.files import write_rows
from keras_lvseg.reporting.terminal_text import terminal_text

VOLUME_COLUMNS = (
    "study",
    "patient",
    "slices",
    "phases",
    "ed_phase",
    "es_phase",
    "edv_ml",
    "esv_ml",
    "stroke_volume_ml",
    "ejection_fraction_percent",
    "myocardial_mass_g",
    "flags",
)
"""Columns of `volumes.csv`."""

QUANTITIES = (("EDV", "edv_ml", "mL"), ("ESV", "esv_ml", "mL"), ("EF", "ejection_fraction_percent", "%"))
"""Name, key and unit of the figures that a terminal shows."""

_MAX_LISTED = 10  # lines; a folder may hold thousands of other files
_NARROW = 60  # columns of a terminal


def segmentation_table(studies: Sequence[Mapping[str, Any]], *, width: int) -> RenderableType:
    """Return the volumes of studies for a terminal: a table, or lines if it is narrow.

    Args:
        studies: Plain values of the studies, see `keras_lvseg.inference.RunSummary`.
        width: Columns of the terminal.

    Example:
        >>> study = dict.fromkeys(VOLUME_COLUMNS) | {"study": "P1", "edv_ml": 120.4, "flags": []}
        >>> print(segmentation_table([study], width=20).renderables[0])
        P1: EDV 120 mL
    """
    if width < _NARROW:
        return Group(*(terminal_text(_line(study)) for study in studies))
    table = Table()
    table.add_column("study", overflow="fold")
    for heading, _, unit in QUANTITIES:
        table.add_column(f"{heading}, {unit}", justify="right")
    table.add_column("flags", overflow="fold")
    for study in studies:
        figures = ("" if study[key] is None else f"{study[key]:.0f}" for _, key, _ in QUANTITIES)
        table.add_row(terminal_text(study["study"]), *figures, _flags(study))
    return table


def segmentation_notes(
    studies: Sequence[Mapping[str, Any]], notes: Sequence[str], skipped: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield failed studies, notes, and up to 10 flags and 10 skipped files with their reasons, one line each.

    Args:
        studies: See `segmentation_table`.
        notes: Remarks, see `keras_lvseg.inference.RunSummary`.
        skipped: Skipped files, see `keras_lvseg.inference.RunSummary`.

    Example:
        >>> list(segmentation_notes([], [], [{"file": "report.pdf", "reason": "is neither DICOM nor PNG"}]))
        ['no mask: report.pdf: is neither DICOM nor PNG']
    """
    yield from (f"failed: {study['study']}: {study['error']}" for study in studies if study["error"])
    yield from notes
    flags = [(study, flag) for study in studies if not study["error"] for flag in study["flags"]]
    for study, flag in flags[:_MAX_LISTED]:
        yield f"{study['study']}: {flag['code']}: {flag['reason']}"
    if len(flags) > _MAX_LISTED:
        yield f"{len(flags) - _MAX_LISTED} more flags, see index.html"
    for study in studies:
        if study["skipped_images"] and not study["error"]:
            count = study["skipped_images"]
            yield f"{study['study']}: {count} image{'' if count == 1 else 's'} skipped, see study.json"
    for file in skipped[:_MAX_LISTED]:
        yield f"no mask: {file['file'] or 'a file'}: {file['reason']}"
    if len(skipped) > _MAX_LISTED:
        yield f"no mask: {len(skipped) - _MAX_LISTED} more files"


def write_volume_table(path: str | os.PathLike[str], studies: Sequence[Mapping[str, Any]]) -> None:
    """Write `volumes.csv`: one row per study, empty cells for unknown values, flags separated by blanks.

    Text that a spreadsheet would take as a formula gets an apostrophe in front.

    Args:
        path: The CSV file to write.
        studies: See `segmentation_table`.
    """
    write_rows(path, [{column: _cell(study, column) for column in VOLUME_COLUMNS} for study in studies])


def _cell(study: Mapping[str, Any], column: str) -> Any:
    value = _flags(study) if column == "flags" else study[column]
    return printable(value) if isinstance(value, str) else value


def _flags(study: Mapping[str, Any]) -> str:
    return " ".join(flag["code"] for flag in study["flags"])


def _line(study: Mapping[str, Any]) -> str:
    figures = [f"{name} {study[key]:.0f} {unit}" for name, key, unit in QUANTITIES if study[key] is not None]
    return f"{study['study']}: {', '.join(figures) or _flags(study) or 'no volumes'}"
