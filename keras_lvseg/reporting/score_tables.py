"""Scores as tables, for terminals and for pages."""

from __future__ import annotations

from rich.table import Table

from keras_lvseg.evaluation import ChallengeScore, Scores

HEADINGS = ("patient", "role", "images", "Dice, mean over images", "Dice, all pixels")


# What the challenge counts first, then what it leaves out; a figure's name, its heading and its decimals.
_CHALLENGE_FIGURES = (
    ("good_apd_mm", "APD of good, mm", 2),
    ("good_percent", "good, %", 1),
    ("good_dice", "Dice of good", 3),
    ("all_apd_mm", "APD of all, mm", 2),
    ("all_dice", "Dice of all", 3),
    ("dice_3d", "3-D Dice", 3),
)


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


def challenge_table(score: ChallengeScore) -> Table:
    """The 2009 challenge's score for a terminal: what its rules count, and what they leave out beside it."""
    table = Table(title=f"2009 challenge's score, good is below {score.good_below_mm:g} mm", title_justify="left")
    table.add_column("patient", no_wrap=True)
    for heading in ("found", *(heading for _, heading, _ in _CHALLENGE_FIGURES)):
        table.add_column(heading, justify="right")
    for patient in score.patients:
        figures = (f"{getattr(patient, name):.{decimals}f}" for name, _, decimals in _CHALLENGE_FIGURES)
        table.add_row(patient.patient_id, f"{patient.contours - patient.missing}/{patient.contours}", *figures)
    table.add_section()
    contours, missing = (sum(getattr(patient, name) for patient in score.patients) for name in ("contours", "missing"))
    means = (f"{score.overall[name].mean:.{decimals}f}" for name, _, decimals in _CHALLENGE_FIGURES)
    table.add_row("mean", f"{contours - missing}/{contours}", *means)
    return table
