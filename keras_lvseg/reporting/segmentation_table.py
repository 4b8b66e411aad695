"""A segmentation as a table for terminals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

_MAX_SKIPPED = 10  # lines; a folder may hold thousands of other files


def segmentation_table(result: dict[str, Any]) -> Table:
    """One row a study: images, masks that are not empty, volumes, and why there are none.

    Args:
        result: What `Segmentation.as_dict` gives.
    """
    table = Table()
    table.add_column("study", overflow="fold")
    for heading in ("images", "masks", "EDV, mL", "ESV, mL", "EF, %"):
        table.add_column(heading, justify="right")
    table.add_column("why not known")
    for study in result["studies"]:
        volumes = [study[moment] and study[moment]["volume_ml"] for moment in ("ed", "es")]
        figures = [*volumes, study["ejection_fraction_percent"]]
        shown = ("" if figure is None else f"{figure:.0f}" for figure in figures)
        # As Text, for a folder may be called like rich's markup.
        name, why = Text(study["name"]), Text(study["missing_reason"] or "")
        table.add_row(name, str(study["images"]), str(study["masks"]), *shown, why)
    return table


def remarks(result: dict[str, Any]) -> Iterator[str]:
    """What else there is to say, a line each: notes, and the skipped files."""
    yield from result["notes"]
    skipped = result["skipped"]
    for file in skipped[:_MAX_SKIPPED]:
        yield f"no mask: {file['file']}: {file['reason']}"
    if len(skipped) > _MAX_SKIPPED:
        yield f"no mask: {len(skipped) - _MAX_SKIPPED} more files"
