"""Check of built pages for internal links and images that are missing.

    python .ci/links.py docs/_build/html

Links to other sites are left alone.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """References and anchors of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.references: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add the reference and the anchors of a tag."""
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
            faults.append(f"{path.relative_to(root)}: {reference} is missing")
        elif path.is_relative_to(root / "_modules"):
            continue  # Sphinx links the source of a name that two folders export to either of its anchors
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            faults.append(f"{path.relative_to(root)}: {reference} names no anchor of that page")
print(f"{len(pages)} pages, {checked} internal links, {len(faults)} faults")
if faults or not checked:
    sys.exit("\n".join(faults) or "nothing was checked")
