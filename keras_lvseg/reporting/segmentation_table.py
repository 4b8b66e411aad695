"""Results of a segmentation for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

from keras_lvseg.reporting.terminal_text import terminal_text

_MAX_SKIPPED = 10  # lines; a folder may hold thousands of other files


def segmentation_table(result: Mapping[str, Any]) -> Table:
    """Return a table for a terminal with one row per study.

    The columns are study, images, masks that are not empty, EDV, ESV, EF, and the reason for missing figures.

    Args:
        result: Plain values of a segmentation, see `keras_lvseg.inference.Segmentation.as_dict`.
    """
    table = Table()
    table.add_column("study", overflow="fold")
    for heading in ("images", "masks", "EDV, mL", "ESV, mL", "EF, %"):
        table.add_column(heading, justify="right")
    table.add_column("reason for missing figures")
    for study in result["studies"]:
        volumes = [study[moment] and study[moment]["volume_ml"] for moment in ("ed", "es")]
        figures = [*volumes, study["ejection_fraction_percent"]]
        shown = ("" if figure is None else f"{figure:.0f}" for figure in figures)
        name, reason = terminal_text(study["name"]), terminal_text(study["missing_reason"] or "")
        table.add_row(name, str(study["images"]), str(study["masks"]), *shown, reason)
    return table


def segmentation_notes(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the notes of a segmentation, and up to 10 skipped files with their reasons, one line each.

    Args:
        result: Plain values of a segmentation, see `keras_lvseg.inference.Segmentation.as_dict`.

    Example:
        >>> skipped = {"skipped": [{"file": "report.pdf", "reason": "is neither DICOM nor PNG"}]}
        >>> list(segmentation_notes({"notes": [], **skipped}))
        ['no mask: report.pdf: is neither DICOM nor PNG']
    """
    yield from result["notes"]
    skipped = result["skipped"]
    for file in skipped[:_MAX_SKIPPED]:
        yield f"no mask: {file['file']}: {file['reason']}"
    if len(skipped) > _MAX_SKIPPED:
        yield f"no mask: {len(skipped) - _MAX_SKIPPED} more files"
