"""Scores and images as an HTML report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from keras_lvseg.evaluation import Scores
from keras_lvseg.reporting.html.html_page import cells, escape, write_page
from keras_lvseg.reporting.score_tables import HEADINGS, score_rows


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
    *rows, total = (cells("td", row, (0, 1)) for row in score_rows(scores))
    lines = "\n".join([*(f"<tr>{row}</tr>" for row in rows), f'<tr class="total">{total}</tr>'])
    figures = "\n".join(
        f'<figure><img src="{quote(Path(image).relative_to(folder).as_posix())}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for caption, image in images.items()
    )
    head = cells("th", HEADINGS, (0, 1))
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{lines}\n</tbody></table></div>'
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(introduction)}</p>", table, figures]
    write_page(path, title, "\n".join(body))
