"""The frame and the style of all HTML pages, and text of any origin made safe for them."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable
from pathlib import Path
from string import Template

from keras_lvseg.errors import printable
from keras_lvseg.files import atomic_file

STYLE = """
.lvseg { --line: #8884; --muted: #6b6b6b; --curve: #1565c0; --warn: #9a5b00; font: 16px/1.5 system-ui, sans-serif }
@media (prefers-color-scheme: dark) { .lvseg { --muted: #a3a3a3; --curve: #6db3ff; --warn: #ffb74d } }
.lvseg h1 { font-size: 1.6rem; margin: .2rem 0; overflow-wrap: anywhere }
.lvseg h2 { font-size: 1.15rem; margin: 1.6rem 0 .4rem }
.lvseg p { margin: .4rem 0; max-width: 46rem }
.lvseg .muted, .lvseg figcaption { color: var(--muted) }
.lvseg .notice { border-left: .25rem solid var(--warn); padding: .1rem .8rem; color: var(--warn); font-weight: 600 }
.lvseg table { border-collapse: collapse; margin: .6rem 0; background: none }
.lvseg th, .lvseg td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top }
.lvseg thead th { white-space: normal }
.lvseg th.text, .lvseg td.text { text-align: left; white-space: normal; min-width: 6rem;
  overflow-wrap: break-word }
@media (max-width: 40rem) { .lvseg th, .lvseg td { padding: .25rem .35rem } .lvseg table { font-size: .9rem } }
@media (max-width: 40rem) { .lvseg .detail { display: none } }
.lvseg tbody tr { background: none }
.lvseg .wide { overflow-x: auto }
.lvseg th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0;
  cursor: pointer }
.lvseg th[aria-sort=ascending] button::after { content: " \\25b2" }
.lvseg th[aria-sort=descending] button::after { content: " \\25bc" }
.lvseg ul { margin: .4rem 0; padding-left: 1.2rem }
.lvseg li { overflow-wrap: anywhere }
.lvseg .curve { width: 100%; max-width: 40rem; height: auto; display: block }
.lvseg .curve text { fill: currentColor; font-size: 11px }
.lvseg .curve .grid { stroke: var(--line) }
.lvseg .curve .line { fill: none; stroke: var(--curve); stroke-width: 2 }
.lvseg .curve circle { fill: var(--curve); stroke: var(--curve); stroke-width: 1.5 }
.lvseg .curve circle.part { fill: none }
.lvseg .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .5rem }
.lvseg .tiles figure { margin: 0 }
.lvseg .tiles figcaption { font-size: .8rem; overflow-wrap: anywhere }
.lvseg .tiles svg { width: 100%; height: auto; display: block; background: #000; border-radius: 4px }
.lvseg .tiles path { fill: none; stroke: #ff5252; stroke-width: 1.6px; vector-effect: non-scaling-stroke }
.lvseg .tiles path.outer { stroke: #ffd23f }
.lvseg img { max-width: 100%; background: #fff; border-radius: 4px }
.lvseg img.sheet { width: 100%; max-width: none; min-width: 40rem }
.lvseg figure { margin: 1.5rem 0 }
.lvseg details { margin: 1.6rem 0 }
.lvseg summary { cursor: pointer }
.lvseg a { color: var(--curve) }
"""

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self' file:; script-src $scripts">
<title>$title</title>
<style>
:root { color-scheme: light dark }
body { max-width: 74rem; margin: 1.5rem auto; padding: 0 1rem }
$style</style>
<body class="lvseg">
$body
</body>
</html>
""")

RESEARCH_ONLY = '<p class="notice">For research only. Not a medical device, not for diagnosis.</p>'


def escape(text: object) -> str:
    """Return text for HTML: markup and control characters escaped.

    Example:
        >>> escape("<b>P1</b>")
        '&lt;b&gt;P1&lt;/b&gt;'
    """
    return html.escape(printable(str(text)))


def cells(tag: str, texts: Iterable[object], text_columns: Iterable[int] = (0,)) -> str:
    """Return table cells with escaped text, of which some columns are aligned left."""
    left = set(text_columns)
    return "".join(
        f"<{tag}{' class=text' if column in left else ''}>{escape(text)}</{tag}>" for column, text in enumerate(texts)
    )


def write_page(path: str | os.PathLike[str], title: str, body: str, *, script_hash: str | None = None) -> None:
    """Write a page, atomically.

    Args:
        path: The HTML file to write.
        title: Plain text.
        body: HTML.
        script_hash: Base64 of the SHA-256 of the only script that may run. None allows no script.
    """
    scripts = f"'sha256-{script_hash}'" if script_hash else "'none'"
    page = _PAGE.substitute(title=escape(title), style=STYLE, body=body, scripts=scripts)
    with atomic_file(path) as temporary:
        Path(temporary).write_text(page, encoding="utf-8", errors="backslashreplace")
