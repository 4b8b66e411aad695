"""Tables of scores for terminals and pages."""

from __future__ import annotations

import math

from rich.table import Table

from keras_lvseg.evaluation import ChallengeScore, Scores
from keras_lvseg.reporting.terminal_text import terminal_text

_HEADINGS = ("patient", "role", "images", "Dice, mean over images", "Dice, all pixels")

# Name, heading and decimals of each figure. Figures of the good contours come first, as in the challenge's rules.
_CHALLENGE_FIGURES = (
    ("good_apd_mm", "APD, mm\ngood", 2),
    ("good_percent", "good\n%", 1),
    ("good_dice", "Dice\ngood", 3),
    ("all_apd_mm", "APD, mm\nall", 2),
    ("all_dice", "Dice\nall", 3),
    ("dice_3d", "Dice\n3-D", 3),
)


def score_rows(scores: Scores) -> list[tuple[str, str, str, str, str]]:
    """Return the rows of a table of Dice as text: the headings, one per patient, and a last one for all images.

    Args:
        scores: Result of `keras_lvseg.evaluation.score_masks`.

    Returns:
        Rows of patient, role, number of images, Dice as mean over images, and Dice of all pixels.

    Example:
        >>> from keras_lvseg.evaluation import ImageScore, PatientScore
        >>> scores = Scores((ImageScore("P1", 0, 0, 0.9),), (PatientScore("P1", "test", 1, 0.9, 0.9),), 0.9, 0.9)
        >>> score_rows(scores)[1:]
        [('P1', 'test', '1', '0.900', '0.900'), ('all', '', '1', '0.900', '0.900')]
    """
    rows = [
        (p.patient_id, p.role, str(p.images), f"{p.mean_dice:.3f}", f"{p.pooled_dice:.3f}") for p in scores.patients
    ]
    return [
        _HEADINGS,
        *rows,
        ("all", "", str(len(scores.images)), f"{scores.mean_dice:.3f}", f"{scores.pooled_dice:.3f}"),
    ]


def score_table(scores: Scores, title: str) -> Table:
    """Return `score_rows` as a table for a terminal.

    Args:
        scores: Result of `keras_lvseg.evaluation.score_masks`.
        title: The heading.
    """
    table = Table(title=terminal_text(title, "table.title"), title_justify="left")
    headings, *patients, overall = score_rows(scores)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("patient", "role") else "right")
    for row in patients:
        table.add_row(*map(terminal_text, row))
    table.add_section()
    table.add_row(*overall)
    return table


def challenge_table(score: ChallengeScore) -> Table:
    """Return the score of the 2009 challenge as a table for a terminal.

    The challenge counts good contours only. The columns with "all" show what that leaves out.
    A figure that is not finite is a dash.

    Args:
        score: Result of `keras_lvseg.evaluation.challenge_score`.
    """
    caption = (
        "APD: average perpendicular distance of the network's contour to the manual one. "
        f"good: APD below {score.good_below_mm:g} mm. found: contours with a mask, of all. "
        "-: undefined, because no contour is good, or one has no mask."
    )
    table = Table(title="Score of the 2009 challenge", title_justify="left", caption=caption, caption_justify="left")
    table.add_column("patient", overflow="fold")
    for heading in ("found", *(heading for _, heading, _ in _CHALLENGE_FIGURES)):
        table.add_column(heading, justify="right", no_wrap=True)
    for patient in score.patients:
        figures = (_figure(getattr(patient, name), decimals) for name, _, decimals in _CHALLENGE_FIGURES)
        found = f"{patient.contours - patient.missing}/{patient.contours}"
        table.add_row(terminal_text(patient.patient_id), found, *figures)
    table.add_section()
    contours, missing = (sum(getattr(patient, name) for patient in score.patients) for name in ("contours", "missing"))
    means = (_figure(score.overall[name].mean, decimals) for name, _, decimals in _CHALLENGE_FIGURES)
    table.add_row("mean", f"{contours - missing}/{contours}", *means)
    return table


def _figure(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else "-"
