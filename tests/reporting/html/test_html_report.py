import re
from urllib.parse import unquote

import pytest

from keras_lvseg.reporting import write_html_report


def write(page, scores, image):
    write_html_report(page, scores, title="5 < 6 & more", introduction="Said <b>so</b>.", images={"A <caption>": image})
    return page.read_text()


def test_write_html_report_escapes_text_and_links_images(evaluation, tmp_path):
    text = write(tmp_path / "report.html", evaluation.scores, tmp_path / "images" / "a #1 & b.png")
    assert "<b>" not in text
    assert "5 &lt; 6 &amp; more" in text
    (link,) = re.findall('src="(.*?)"', text)
    assert not set(link) & set(" #&")
    assert unquote(link) == "images/a #1 & b.png"
    assert f"<td>{evaluation.scores.mean_dice:.3f}</td>" in text


def test_write_html_report_with_an_image_elsewhere_raises(evaluation, tmp_path):
    with pytest.raises(ValueError, match=r"elsewhere\.png"):
        write(tmp_path / "page" / "report.html", evaluation.scores, tmp_path / "elsewhere.png")
    assert not (tmp_path / "page").exists()
