"""Text, tables and images as one HTML file."""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from keras_lvseg.files import atomic_file

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.25 }
p { max-width: 44rem }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .25rem 0 .25rem 1.2rem; text-align: right; border-bottom: 1px solid #8886 }
th:first-child, td:first-child { padding-left: 0; text-align: left }
img { width: 100%; min-width: 40rem; background: #fff; border-radius: 4px }
figure { margin: 1.5rem 0 }
figcaption { color: #777 }
@media (max-width: 30rem) { th, td { padding-left: .6rem } }
.wide { overflow-x: auto }
</style>
<h1>$title</h1>
<p>$introduction</p>
$sections
</html>
""")


@dataclass(frozen=True)
class ReportSection:
    """A section of a report.

    Attributes:
        heading: The heading.
        text: A paragraph of plain text.
        table: Rows of cells; the first row has the headings.
        images: PNG files by caption.
    """

    heading: str
    text: str
    table: Sequence[Sequence[str]]
    images: Mapping[str, str | os.PathLike[str]] = field(default_factory=dict)


def write_html_report(
    path: str | os.PathLike[str], *, title: str, introduction: str, sections: Sequence[ReportSection]
) -> None:
    """Write an HTML file that contains its images, so that it can be moved and sent.

    Args:
        path: The HTML file to write.
        title: The heading of the page.
        introduction: A paragraph of plain text.
        sections: The sections, in order.

    Raises:
        OSError: An image cannot be read.

    Example:
        >>> import tempfile
        >>> page = Path(tempfile.mkdtemp()) / "report.html"
        >>> volumes = ReportSection("Volumes", "In mL.", [("", "EDV"), ("PHANTOM0001", "139")])
        >>> write_html_report(page, title="Test", introduction="One heart.", sections=[volumes])
        >>> "<td>139</td>" in page.read_text()
        True
    """
    page = _PAGE.substitute(
        title=html.escape(title),
        introduction=html.escape(introduction),
        sections="\n".join(map(_section, sections)),
    )
    with atomic_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _section(section: ReportSection) -> str:
    headings, *rows = section.table
    body = "\n".join(_row("td", row) for row in rows)
    return "\n".join(
        (
            f"<h2>{html.escape(section.heading)}</h2>",
            f"<p>{html.escape(section.text)}</p>",
            f'<div class="wide"><table><thead>{_row("th", headings)}</thead><tbody>{body}</tbody></table></div>',
            *(_figure(caption, Path(image)) for caption, image in section.images.items()),
        )
    )


def _figure(caption: str, image: Path) -> str:
    data, text = base64.b64encode(image.read_bytes()).decode("ascii"), html.escape(caption)
    return (
        f'<figure><div class="wide"><img src="data:image/png;base64,{data}" alt="{text}"></div>'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _row(tag: str, texts: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(text)}</{tag}>' for text in texts)}</tr>"
