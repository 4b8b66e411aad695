"""Scores and images as an HTML report."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from pathlib import Path
from string import Template
from urllib.parse import quote

from keras_lvseg.evaluation import Scores
from keras_lvseg.files import atomic_file
from keras_lvseg.reporting.score_tables import HEADINGS, score_rows

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #8886 }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
tbody tr:last-child td { font-weight: 600; border-bottom: 0 }
img { max-width: 100%; background: #fff; border-radius: 4px }
figure { margin: 1.5rem 0 }
figcaption { color: #888 }
.wide { overflow-x: auto }
</style>
<h1>$title</h1>
<p>$introduction</p>
<div class="wide"><table><thead><tr>$headings</tr></thead><tbody>
$rows
</tbody></table></div>
$figures
</html>
""")


def write_html_report(
    path: str | os.PathLike[str],
    scores: Scores,
    *,
    title: str,
    introduction: str,
    images: Mapping[str, str | os.PathLike[str]],
) -> None:
    """Write an HTML page with a table of Dice by patient, and images below it.

    Args:
        path: The HTML file to write.
        scores: The scores of the table.
        title: The heading.
        introduction: A paragraph of plain text.
        images: PNG files by caption. The page links them, so they lie in its folder or below.

    Raises:
        ValueError: An image lies outside the folder of the page.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.evaluation import ImageScore, PatientScore
        >>> scores = Scores((ImageScore("P1", 0, 0, 0.9),), (PatientScore("P1", "test", 1, 0.9, 0.9),), 0.9, 0.9)
        >>> page = Path(tempfile.mkdtemp()) / "report.html"
        >>> write_html_report(page, scores, title="Test", introduction="One patient.", images={})
        >>> "<td>0.900</td>" in page.read_text()
        True
    """
    folder = Path(path).parent
    rows = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in score_rows(scores))
    figures = "\n".join(
        f'<figure><img src="{quote(Path(image).relative_to(folder).as_posix())}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, image in images.items()
    )
    page = _PAGE.substitute(
        title=html.escape(title),
        introduction=html.escape(introduction),
        headings=_cells("th", HEADINGS),
        rows=rows,
        figures=figures,
    )
    with atomic_file(path) as scratch:
        scratch.write_text(page, encoding="utf-8")


def _cells(tag: str, texts: tuple[str, ...]) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
