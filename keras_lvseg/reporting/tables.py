"""Scores as tables, for terminals and for pages."""

from __future__ import annotations

from rich.table import Table

from keras_lvseg.inference.scores import Scores

HEADINGS = ("patient", "role", "images", "Dice, mean over images", "Dice, all pixels")


def score_rows(scores: Scores) -> list[tuple[str, str, str, str, str]]:
    """The table's rows as text: the patients, then all of them together."""
    rows = [
        (p.patient_id, p.role, str(p.images), f"{p.mean_dice:.3f}", f"{p.pooled_dice:.3f}") for p in scores.patients
    ]
    return [*rows, ("all", "", str(len(scores.images)), f"{scores.mean_dice:.3f}", f"{scores.pooled_dice:.3f}")]


def score_table(scores: Scores, title: str) -> Table:
    """The table for a terminal."""
    table = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("patient", "role") else "right")
    *patients, overall = score_rows(scores)
    for row in patients:
        table.add_row(*row)
    table.add_section()
    table.add_row(*overall)
    return table
