import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from keras_lvseg.reporting import Tile, study_fragment, write_study_report
from keras_lvseg.reporting.html.html_page import escape
from keras_lvseg.reporting.html.volume_curve import volume_curve

EVIL = '<script>alert("1")</script><img src=x onerror=alert(1)>\x1b[31m\n'


def record(**changes):
    values = {
        "study": "P1",
        "patient": "P1",
        "slices": 2,
        "phases": 3,
        "ed_phase": 0,
        "es_phase": 1,
        "edv_ml": 150.4,
        "esv_ml": 60.0,
        "stroke_volume_ml": 90.4,
        "ejection_fraction_percent": 60.1,
        "myocardial_mass_g": None,
        "flags": [],
        "missing_reason": None,
        "volumes": [
            {"phase": phase, "volume_ml": volume, "slices": 2, "slices_with_mask": 2, "myocardium_ml": None}
            for phase, volume in enumerate((150.4, 60.0, 100.0))
        ],
        "images": [{}] * 6,
        "changes": {"moved": 0, "removed": 0, "resolved": 0},
        "skipped": [],
        "notes": [],
        "settings": {"keras_lvseg": "1", "network": {"weights": "sax-lv"}},
    }
    return values | changes


def tile(caption="slice 0", filled=True, shape=(60, 50)):
    mask = np.zeros(shape, np.uint8)
    if filled:
        mask[20:40, 20:35] = 2
        mask[24:36, 24:30] = 1
    return Tile(caption, np.arange(mask.size).reshape(shape), mask)


class Elements(HTMLParser):
    """Start tags and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def written(tmp_path, values, montages):
    write_study_report(tmp_path / "report.html", values, montages)
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_write_study_report_needs_nothing_from_elsewhere(tmp_path):
    page = Elements(written(tmp_path, record(), {"End-diastole": [tile()]}))
    links = [value for tag, own in page.tags for name, value in own.items() if name in ("src", "href") and tag != "a"]
    assert len(links) == 1
    assert links[0].startswith("data:image/png;base64,")
    assert "script" not in {tag for tag, _ in page.tags}
    (policy,) = [own["content"] for tag, own in page.tags if own.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert "For research only. Not a medical device, not for diagnosis." in page.texts


def test_write_study_report_shows_volumes_beside_normal_ranges(tmp_path):
    page = written(tmp_path, record(), {})
    for cells in (("150 mL", "106 to 214", "86 to 178"), ("60 %", "57 to 77", "57 to 77")):
        assert "".join(f"<td>{cell}</td>" for cell in cells) in page
    assert "doi.org/10.1186/s12968-015-0111-7" in page
    assert "Myocardial mass" not in page
    assert "<td>100 g</td><td>92 to 176</td>" in written(tmp_path, record(myocardial_mass_g=100.2), {})


def test_write_study_report_counts_the_masks_that_the_study_changed(tmp_path):
    page = written(tmp_path, record(changes={"moved": 1, "removed": 44, "resolved": 0}), {})
    assert "Masks changed by the rest of the study: 1 moved, 44 removed. study.json names them." in page
    assert "rest of the study" not in written(tmp_path, record(), {})


def test_write_study_report_without_volumes_says_why(tmp_path):
    unknown = dict.fromkeys(("slices", "phases", "ed_phase", "es_phase", "edv_ml", "esv_ml", "stroke_volume_ml"))
    unknown |= {"ejection_fraction_percent": None, "volumes": [], "missing_reason": "it is one slice"}
    page = written(tmp_path, record(**unknown), {"Images": [tile()]})
    assert "Values are missing, because it is one slice." in page
    assert "<table" not in page[: page.index("<details>")]
    assert 'class="curve"' not in page


def test_write_study_report_shows_all_images_with_their_contours(tmp_path):
    tiles = [tile(), tile("slice 1", filled=False), tile("slice 2", shape=(40, 40))]
    page = written(tmp_path, record(), {"End-diastole": tiles, "End-systole": tiles[:1]})
    assert page.count("<figure>") == 4
    assert "slice 1, no mask" in page
    assert "1 of 3 images have no mask." in page
    # Pixels and contour agree: the path encloses the cavity within the picture.
    (link, *_) = re.findall(r'href="data:image/png;base64,(.*?)"', page)
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(link))))
    (box, *_) = re.findall(r'viewBox="0 0 (\d+) (\d+)"', page[page.index("<figure>") :])
    assert picture.shape == (int(box[1]), int(box[0]))
    (path, *_) = re.findall(r'class="cavity" d="M(.*?)Z"', page)
    corners = np.array([point.split() for point in path.split("L")], float)
    assert np.ptp(corners, axis=0).tolist() == [6, 12]
    assert page.count('class="outer"') == 3


def test_write_study_report_escapes_all_text(tmp_path):
    values = record(
        study=EVIL,
        flags=[{"code": EVIL, "reason": EVIL}],
        notes=[EVIL],
        missing_reason=EVIL,
        skipped=[{"file": EVIL, "frame": 3, "reason": EVIL}],
        settings={EVIL: EVIL, "network": {EVIL: EVIL}},
    )
    page = written(tmp_path, values, {EVIL: [tile(EVIL)]})
    elements = Elements(page)
    assert not {"script", "img"} & {tag for tag, _ in elements.tags}
    assert "\x1b" not in page
    assert sum("onerror=alert(1)" in text for text in elements.texts) == 13
    assert "<script" not in study_fragment(values, {})


def test_volume_curve_has_a_point_per_phase_and_names_ed_and_es():
    curve = volume_curve(record()["volumes"], 0, 1)
    places = [tuple(map(float, place)) for place in re.findall(r'<circle cx="(.*?)" cy="(.*?)"', curve)]
    heights = [y for _, y in places]
    assert len(places) == 3
    assert sorted(range(3), key=lambda n: -heights[n]) == [1, 2, 0]  # the largest volume is drawn highest
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert re.findall(r">(E[DS] \d+ mL)<", curve) == ["ED 150 mL", "ES 60 mL"]
    assert volume_curve([], None, None) == ""


def test_volume_curve_marks_phases_that_lack_slices():
    volumes = record()["volumes"]
    volumes[2] = volumes[2] | {"slices": 1}
    assert volume_curve(volumes, 0, 1).count('class="part"') == 1
    empty = [volume | {"volume_ml": 0.0} for volume in volumes]
    assert volume_curve(empty, None, None).count("<circle") == 3


def test_escape_leaves_letters_of_all_languages():
    assert escape("Ångström 心") == "Ångström 心"
    assert escape("\u202eabc") == r"\u202eabc"  # would reverse the text
