import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from keras_lvseg.reporting import ReportSection, write_html_report


class Page(HTMLParser):
    """Text, cells and image sources of a page."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.cells, self.sources, self.tag = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tag = tag
        if tag == "img":
            self.sources.append(dict(attrs)["src"])

    def handle_endtag(self, tag):
        self.tag = ""

    def handle_data(self, data):
        self.texts.append(data.strip())
        if self.tag in ("td", "th"):
            self.cells.append((self.tag, data))


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a #1 & b.png"
    Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3)).save(path)
    return path


def test_write_html_report_shows_text_literally_and_embeds_images(image, tmp_path):
    texts = ["5 < 6 & more", "Said <b>so</b>.", "1 > 0", "'\"&amp;", "A <caption>"]
    title, introduction, heading, text, caption = texts
    section = ReportSection(heading, text, [("<i>", "EDV"), ("P&1", "139")], {caption: image})
    write_html_report(tmp_path / "report.html", title=title, introduction=introduction, sections=[section, section])
    written = (tmp_path / "report.html").read_text()
    page = Page(written)
    shown = [title, title, introduction, *2 * [heading, text, caption]]
    assert [text for text in page.texts if text in texts] == shown
    assert page.cells == 2 * [("th", "<i>"), ("th", "EDV"), ("td", "P&1"), ("td", "139")]
    data = [source.removeprefix("data:image/png;base64,") for source in page.sources]
    assert [base64.b64decode(each) for each in data] == 2 * [image.read_bytes()]
    # Nothing is loaded from elsewhere.
    assert re.findall("""(?:href|src)=["'](?!data:)|url\\(|@import""", written) == []


def test_write_html_report_without_its_image_writes_nothing(tmp_path):
    section = ReportSection("A", "B", [("C",)], {"missing": tmp_path / "missing.png"})
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        write_html_report(tmp_path / "page" / "report.html", title="", introduction="", sections=[section])
    assert not (tmp_path / "page").exists()
