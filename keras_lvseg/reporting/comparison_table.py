"""Agreement of volumes for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table

from keras_lvseg.evaluation import VolumeAgreement, VolumeComparison
from keras_lvseg.io import VolumeRow
from keras_lvseg.reporting.segmentation_table import QUANTITIES
from keras_lvseg.reporting.terminal_text import terminal_text

_NARROW = 70  # columns of a terminal; the table has 65
_MAX_PROBLEMS = 20  # lines; a table may have thousands of rows
_MAX_NAMES = 10


def comparison_table(comparison: VolumeComparison, *, width: int) -> RenderableType:
    """Return the agreement of volumes for a terminal: a table, or lines if it is narrow.

    Args:
        comparison: Result of `keras_lvseg.evaluation.compare_volumes`.
        width: Columns of the terminal.
    """
    found = [(name, unit, getattr(comparison, key)) for name, key, unit in QUANTITIES]
    if width < _NARROW:
        return Group(*(line for name, unit, agreement in found for line in _lines(name, unit, agreement)))
    table = Table()
    table.add_column("")
    for heading in ("studies", "bias", "MAE", "RMSE", "r", "limits of agreement"):
        table.add_column(heading, justify="right")
    for name, unit, agreement in found:
        table.add_row(f"{name}, {unit}", *(_cells(agreement) if agreement else ("0", *[""] * 5)))
    return table


def comparison_notes(comparison: VolumeComparison) -> Iterator[str]:
    """Yield up to 20 problems, the number of compared studies, and the CRPS, one line each.

    Args:
        comparison: See `comparison_table`.
    """
    problems = comparison.problems
    yield from problems[:_MAX_PROBLEMS]
    if len(problems) > _MAX_PROBLEMS:
        yield f"{len(problems) - _MAX_PROBLEMS} more such lines; --out writes all of them"
    yield f"{len(comparison.studies)} studies compared: {comparison.volumes} minus {comparison.truth}"
    crps = comparison.crps
    if crps is None:
        yield f"CRPS unknown: {comparison.crps_missing_reason}"
        return
    fit = "calibrated on other patients" if crps.folds is None else f"calibrated in {crps.folds} folds of patients"
    yield f"CRPS {crps.mean:.4f} (EDV {crps.edv:.4f}, ESV {crps.esv:.4f}) of {crps.volumes} volumes, {fit}"
    if crps.unknown:
        yield f"{crps.unknown} of these volumes were not measured: scored by the distribution of the fit's true volumes"


def submission_notes(rows: Sequence[VolumeRow]) -> Iterator[str]:
    """Yield a line that names the studies of a submission without a volume, if there are any.

    Args:
        rows: The studies, see `keras_lvseg.evaluation.VolumeCalibrations.distributions`.

    Example:
        >>> [*submission_notes([VolumeRow("501", "501", 160.0, None), VolumeRow("502", "502", 160.0, 70.0)])]
        ["1 of 2 studies have no EDV or no ESV and get the distribution of the fit's true volumes: 501"]
    """
    unknown = [row.study for row in rows if row.edv_ml is None or row.esv_ml is None]
    if unknown:
        names = f"{', '.join(unknown[:_MAX_NAMES])}{', ...' if len(unknown) > _MAX_NAMES else ''}"
        reason = "have no EDV or no ESV and get the distribution of the fit's true volumes"
        yield f"{len(unknown)} of {len(rows)} studies {reason}: {names}"


def _cells(agreement: VolumeAgreement) -> tuple[str, ...]:
    return (
        str(agreement.count),
        *(f"{value:.1f}" for value in (agreement.bias, agreement.mae, agreement.rmse)),
        "" if agreement.correlation is None else f"{agreement.correlation:.3f}",
        "" if agreement.limits is None else f"{agreement.limits[0]:.1f} to {agreement.limits[1]:.1f}",
    )


def _lines(name: str, unit: str, agreement: VolumeAgreement | None) -> Iterator[RenderableType]:
    if agreement is None:
        yield terminal_text(f"{name}: no study")
        return
    count, bias, mae, rmse, correlation, limits = _cells(agreement)
    yield terminal_text(f"{name}: {count} studies")
    yield terminal_text(f"  bias {bias} {unit}")
    yield terminal_text(f"  MAE {mae} {unit}")
    yield terminal_text(f"  RMSE {rmse} {unit}")
    if correlation:
        yield terminal_text(f"  r {correlation}")
    if limits:
        yield terminal_text(f"  limits {limits}")
