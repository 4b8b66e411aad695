"""Check built pages: no link inside them that leads nowhere, no picture that is missing.

    python .ci/links.py docs/_build/html

Links to other sites are left alone.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, path: Path):
        super().__init__()
        self.references: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one tag refers to, and its name."""
        values = dict(attrs)
        self.anchors.update(value for name in ("id", "name") if (value := values.get(name)))
        reference = values.get("href" if tag in ("a", "link") else "src")
        if reference:
            self.references.append(reference)


root = Path(sys.argv[1]).resolve()
pages = {path: Page(path) for path in root.rglob("*.html")}
faults, checked = [], 0
for path, page in pages.items():
    for reference in page.references:
        parts = urlsplit(reference)
        if parts.scheme or parts.netloc:
            continue
        checked += 1
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            faults.append(f"{path.relative_to(root)}: {reference} is not there")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            faults.append(f"{path.relative_to(root)}: {reference} names no place in that page")
print(f"{len(pages)} pages, {checked} internal links, {len(faults)} faults")
if faults or not checked:
    sys.exit("\n".join(faults) or "nothing was checked")
