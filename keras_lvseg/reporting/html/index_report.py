"""The page of all studies of a run: a table that sorts."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from keras_lvseg.reporting.html.html_page import RESEARCH_ONLY, escape, write_page

_COLUMNS = (
    ("study", "study"),
    ("slices", "slices"),
    ("phases", "phases"),
    ("masks", "masks"),
    ("edv_ml", "EDV, mL"),
    ("esv_ml", "ESV, mL"),
    ("stroke_volume_ml", "SV, mL"),
    ("ejection_fraction_percent", "EF, %"),
    ("myocardial_mass_g", "mass, g"),
    ("flags", "flags"),
)
_CLASSES = {"study": "text", "flags": "text", **dict.fromkeys(("slices", "phases", "masks"), "detail")}
"""Classes of the columns. Details are not shown on a narrow screen, where the volumes would be out of sight."""
_MAX_SKIPPED = 200  # files; `segmentation.json` has all

_SCRIPT = """
document.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
  const head = button.parentElement, body = document.querySelector("tbody");
  const down = head.getAttribute("aria-sort") === "ascending";
  const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const rows = [...body.rows].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (!left || !right) return (left ? 0 : 1) - (right ? 0 : 1);
    return left.localeCompare(right, undefined, {numeric: true}) * (down ? -1 : 1);
  });
  document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  body.append(...rows);
}));
"""


def write_index_report(path: str | os.PathLike[str], result: Mapping[str, Any]) -> None:
    """Write the page of all studies as one HTML file that needs nothing else. It links the studies' reports.

    Args:
        path: The HTML file to write.
        result: The values of `segmentation.json`.
    """
    studies = result["studies"]
    failed = sum(bool(study["error"]) for study in studies)
    count = f"{len(studies)} {'study' if len(studies) == 1 else 'studies'}"
    heads = "".join(f'<th class="{_CLASSES.get(key, "")}"><button>{title}</button></th>' for key, title in _COLUMNS)
    rows = "\n".join(f"<tr>{_cells(study, 'report' in result['outputs'])}</tr>" for study in studies)
    notes = "".join(f"<li>{escape(note)}</li>" for note in result["notes"])
    body = [
        "<h1>Left ventricle</h1>",
        f'<p class="muted">{count}{f", {failed} failed" if failed else ""}. A column\'s heading sorts the table.</p>',
        RESEARCH_ONLY,
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table></div>',
        f"<h2>Notes</h2><ul>{notes}</ul>" if notes else "",
        _skipped(result),
        f"<script>{_SCRIPT}</script>",
    ]
    script_hash = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    write_page(path, "Left ventricle: all studies", "\n".join(body), script_hash=script_hash)


def _cells(study: Mapping[str, Any], linked: bool) -> str:
    name = escape(study["study"])
    if linked and not study["error"]:
        name = f'<a href="{escape(quote(study["study"], errors="backslashreplace"))}/report.html">{name}</a>'
    cells = [f"<td class=text>{name}</td>"]
    for key, _ in _COLUMNS[1:-1]:
        value = study[key]
        number = "" if value is None else f"{value:.0f}"
        cells.append(f'<td class="{_CLASSES.get(key, "")}" data-value="{"" if value is None else value}">{number}</td>')
    flags = "; ".join(f"{flag['code']}: {flag['reason']}" for flag in study["flags"])
    return "".join([*cells, f"<td class=text>{escape(flags)}</td>"])


def _skipped(result: Mapping[str, Any]) -> str:
    skipped = result["skipped"]
    if not skipped:
        return ""
    lines = [
        f"<li>{escape(file['file'] or 'a file')}: {escape(file['reason'])}</li>" for file in skipped[:_MAX_SKIPPED]
    ]
    if len(skipped) > _MAX_SKIPPED:
        lines.append(f"<li>{len(skipped) - _MAX_SKIPPED} more</li>")
    summary = f"{len(skipped)} skipped {'file' if len(skipped) == 1 else 'files'}"
    return f"<details><summary>{summary}</summary><ul>{''.join(lines)}</ul></details>"
