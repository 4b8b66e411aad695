"""Bland-Altman plots of volumes and ejection fractions."""

from __future__ import annotations

import os

from keras_lvseg.evaluation import VolumeComparison
from keras_lvseg.files import atomic_file
from keras_lvseg.reporting.comparison_table import QUANTITIES


def write_bland_altman(path: str | os.PathLike[str], comparison: VolumeComparison) -> None:
    """Draw Bland-Altman plots of EDV, ESV and EF side by side, and write a PNG file.

    A point is a study: measured minus true value over the mean of both. Lines are the bias and the limits of agreement.

    Args:
        path: The PNG file to write.
        comparison: Result of `keras_lvseg.evaluation.compare_volumes`.
    """
    # matplotlib builds a font cache when it is imported for the first time. Callers that write no figure skip that.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    for axes, (name, key, unit) in zip(figure.subplots(1, 3), QUANTITIES, strict=True):
        agreement = getattr(comparison, key)
        axes.set(title=f"{name}: no study" if agreement is None else f"{name}, {agreement.count} studies")
        axes.set(xlabel=f"mean of measured and true, {unit}", ylabel=f"measured minus true, {unit}")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.axhline(0, color="0.6", linewidth=0.8)
        if agreement is None:
            continue
        measured, true = comparison.pairs(key)
        axes.scatter((measured + true) / 2, measured - true, s=14, alpha=0.6, color="tab:blue", linewidths=0)
        lines = [(agreement.bias, "-", "bias"), *((limit, "--", "limit") for limit in agreement.limits or ())]
        for value, style, label in lines:
            axes.axhline(value, color="tab:red", linestyle=style, linewidth=1.2)
            axes.annotate(
                f"{label} {value:.1f}",
                (1, value),
                xycoords=("axes fraction", "data"),
                xytext=(-2, 2),
                textcoords="offset points",
                ha="right",
                va="bottom",
                fontsize="small",
                color="tab:red",
            )
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=120)
