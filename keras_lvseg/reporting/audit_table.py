"""An audit's findings for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from keras_lvseg.audit import AuditReport
from keras_lvseg.audit.findings import Finding

_STYLES = {"error": "bold red", "warning": "yellow"}
_NAMED = 3  # files that a row names


def audit_table(report: AuditReport) -> Table:
    """The findings by kind, errors first: what it means, then whose, what and where."""
    kinds: dict[str, list[Finding]] = {}
    for finding in report.findings:
        kinds.setdefault(finding.code, []).append(finding)
    table = Table(box=box.HORIZONTALS, title=str(report.root), title_justify="left", show_header=False)
    table.add_column("severity", no_wrap=True)
    table.add_column("findings")
    for code, findings in kinds.items():
        severity = findings[0].severity
        # Texts, not strings: a file's name may look like rich's markup.
        heading = Text.assemble((code, _STYLES[severity]), (f": {findings[0].consequence}", "italic"))
        table.add_row(Text(severity, _STYLES[severity]), Text("\n").join([heading, *map(_lines, findings)]))
        table.add_section()
    return table


def audit_summary(report: AuditReport) -> str:
    """What was looked at and how much was found, in one line."""
    seen = f"patients: {report.patients}, images: {report.images}, contours: {report.contours}"
    return f"{seen}; errors: {len(report.errors)}, warnings: {len(report.warnings)}"


def _lines(finding: Finding) -> Text:
    files = list(finding.files[:_NAMED])
    if len(finding.files) > _NAMED:
        files.append(f"and {len(finding.files) - _NAMED} more")
    return Text.assemble(
        (", ".join(finding.patients), "bold"), f": {finding.message}", *((f"\n  {file}", "dim") for file in files)
    )
