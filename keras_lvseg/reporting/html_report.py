"""A run and its scores as one page for the browser."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from string import Template

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


def write_page(path: Path, title: str, introduction: str, scores: Scores, pictures: Mapping[str, Path]) -> None:
    """Write the page.

    Args:
        path: The HTML file to write.
        title: Its heading.
        introduction: A paragraph of plain text.
        scores: The table.
        pictures: By caption, PNG files in the page's folder or below it.
    """
    rows = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in score_rows(scores))
    figures = "\n".join(
        f'<figure><img src="{html.escape(picture.relative_to(path.parent).as_posix())}" alt="{html.escape(caption)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, picture in pictures.items()
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
