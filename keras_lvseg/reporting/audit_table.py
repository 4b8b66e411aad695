"""Findings of an audit for a terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from keras_lvseg.audit import AuditReport, Finding
from keras_lvseg.reporting.terminal_text import terminal_text

_STYLES = {"error": "bold red", "warning": "yellow"}
_MAX_FILES = 3  # per finding


def audit_table(report: AuditReport) -> Table:
    """Return the findings as a table, grouped by code, errors first.

    Each group begins with the code and its consequence. Patients, message and up to 3 files follow per finding.

    Args:
        report: Result of `keras_lvseg.audit.audit_tree`.

    Returns:
        A table for `rich.console.Console.print`.

    Example:
        >>> import tempfile
        >>> from rich.console import Console
        >>> from keras_lvseg.audit import audit_tree
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> Console().print(audit_table(audit_tree(folder)))
        /...
        warning  missing-frames: ...
    """
    groups: dict[str, list[Finding]] = {}
    for finding in report.findings:
        groups.setdefault(finding.code, []).append(finding)
    title = terminal_text(str(report.root), "table.title")
    table = Table(box=box.HORIZONTALS, title=title, title_justify="left", show_header=False)
    table.add_column("severity", no_wrap=True)
    table.add_column("findings")
    for code, findings in groups.items():
        severity = findings[0].severity
        heading = Text.assemble((code, _STYLES[severity]), (f": {findings[0].consequence}", "italic"))
        table.add_row(Text(severity, _STYLES[severity]), Text("\n").join([heading, *map(_finding_text, findings)]))
        table.add_section()
    return table


def audit_summary(report: AuditReport) -> str:
    """Return the numbers of patients, images, contours, errors and warnings in one line.

    Args:
        report: Result of `keras_lvseg.audit.audit_tree`.
    """
    checked = f"patients: {report.patients}, images: {report.images}, contours: {report.contours}"
    return f"{checked}; errors: {len(report.errors)}, warnings: {len(report.warnings)}"


def _finding_text(finding: Finding) -> Text:
    files = list(finding.files[:_MAX_FILES])
    if len(finding.files) > _MAX_FILES:
        files.append(f"and {len(finding.files) - _MAX_FILES} more")
    lines = [
        Text.assemble(terminal_text(", ".join(finding.patients), "bold"), ": ", terminal_text(finding.message)),
        *(Text.assemble("  ", terminal_text(file, "dim")) for file in files),
    ]
    return Text("\n").join(lines)
