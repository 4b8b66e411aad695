import base64
import hashlib
import re
from urllib.parse import unquote

from keras_lvseg.reporting import write_index_report
from tests.reporting.html.test_study_report import EVIL, Elements
from tests.reporting.test_segmentation_table import FLAGS, UNKNOWN, study


def written(tmp_path, studies, **changes):
    values = {"studies": studies, "outputs": ["report"], "notes": [], "skipped": []} | changes
    write_index_report(tmp_path / "index.html", values)
    return (tmp_path / "index.html").read_text(encoding="utf-8")


def row(**changes):
    return study(masks=5) | changes


def test_write_index_report_links_the_reports_of_finished_studies(tmp_path):
    studies = [row(study="a #1 & b"), row(study="P2", error="no image can be read", flags=FLAGS, **UNKNOWN)]
    page = Elements(written(tmp_path, studies))
    links = [own["href"] for tag, own in page.tags if tag == "a"]
    assert [unquote(link) for link in links] == ["a #1 & b/report.html"]
    assert not set(links[0]) & set(" #")
    assert any(text.startswith("2 studies, 1 failed.") for text in page.texts)
    assert "one-slice: it is one slice; empty-masks: all masks are empty" in page.texts
    page = Elements(written(tmp_path, studies, outputs=["masks"]))
    assert not [own for tag, own in page.tags if tag == "a"]


def test_write_index_report_on_a_narrow_screen_has_names_volumes_and_flags(tmp_path):
    page = Elements(written(tmp_path, [row()]))
    kept = [tag for tag, own in page.tags if tag in ("th", "td") and "detail" not in own["class"]]
    assert kept == ["th"] * 7 + ["td"] * 7
    assert "(max-width: 40rem) { .lvseg .detail { display: none } }" in "".join(page.texts)


def test_write_index_report_runs_its_own_script_only(tmp_path):
    page = written(tmp_path, [row()])
    (script,) = re.findall("<script>(.*?)</script>", page, flags=re.DOTALL)
    (allowed,) = re.findall("script-src 'sha256-(.*?)'", page)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == allowed


def test_write_index_report_escapes_all_text(tmp_path):
    studies = [row(study=EVIL, flags=[{"code": EVIL, "reason": EVIL}])]
    page = written(tmp_path, studies, notes=[EVIL], skipped=[{"file": EVIL, "reason": EVIL}])
    elements = Elements(page)
    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert "img" not in {tag for tag, _ in elements.tags}
    assert "\x1b" not in page
