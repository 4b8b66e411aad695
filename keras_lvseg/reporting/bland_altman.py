"""Bland-Altman plots of volumes and ejection fractions."""

from __future__ import annotations

import os

from keras_lvseg.evaluation import VolumeAgreement, VolumeComparison
from keras_lvseg.files import atomic_file
from keras_lvseg.reporting.segmentation_table import QUANTITIES


def write_bland_altman(path: str | os.PathLike[str], comparison: VolumeComparison) -> None:
    """Draw Bland-Altman plots of EDV, ESV and EF side by side, and write a PNG file.

    A point is a study: measured minus true value over the mean of both. Red lines are bias and limits of agreement.

    Args:
        path: The PNG file to write.
        comparison: Result of `keras_lvseg.evaluation.compare_volumes`.
    """
    # matplotlib builds a font cache when it is imported for the first time. Callers that write no figure skip that.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    for axes, (name, key, unit) in zip(figure.subplots(1, 3), QUANTITIES, strict=True):
        agreement = getattr(comparison, key)
        axes.set_title(_title(name, unit, agreement))
        axes.set(xlabel=f"mean of measured and true, {unit}", ylabel=f"measured minus true, {unit}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.axhline(0, color="0.6", linewidth=0.8)
        if agreement is None:
            continue
        measured, true = comparison.pairs(key)
        axes.scatter((measured + true) / 2, measured - true, s=14, alpha=0.6, color="tab:blue", linewidths=0)
        for value, style in ((agreement.bias, "-"), *((limit, "--") for limit in agreement.limits or ())):
            axes.axhline(value, color="tab:red", linestyle=style, linewidth=1.2)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=120)


def _title(name: str, unit: str, agreement: VolumeAgreement | None) -> str:
    """Return the heading of a plot. It has the numbers, because beside the lines they may hide points."""
    if agreement is None:
        return f"{name}: no study"
    limits = "" if agreement.limits is None else ", limits {:.1f} to {:.1f}".format(*agreement.limits)
    return f"{name}, {agreement.count} studies\nbias {agreement.bias:.1f}{limits} {unit}"
