"""Text, tables and images as an HTML report."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_lvseg.reporting.html.html_page import cells, escape, write_page


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
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(introduction)}</p>", *map(_section, sections)]
    write_page(path, title, "\n".join(body))


def _section(section: ReportSection) -> str:
    headings, *rows = section.table
    body = "\n".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{cells('th', headings)}</tr></thead><tbody>{body}</tbody></table>"
    return "\n".join(
        (
            f"<h2>{escape(section.heading)}</h2>",
            f"<p>{escape(section.text)}</p>",
            f'<div class="wide">{table}</div>',
            *(_figure(caption, Path(image)) for caption, image in section.images.items()),
        )
    )


def _figure(caption: str, image: Path) -> str:
    data, text = base64.b64encode(image.read_bytes()).decode("ascii"), escape(caption)
    return (
        f'<figure><div class="wide"><img class="sheet" src="data:image/png;base64,{data}" alt="{text}"></div>'
        f"<figcaption>{text}</figcaption></figure>"
    )
