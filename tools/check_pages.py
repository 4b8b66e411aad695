"""Look at every page of the built documentation in headless Chromium, at two widths and in both themes.

    pip install selenium
    python -m tools.check_pages build/html

A page fails if it scrolls sideways, if code in it does, if a picture is missing or has no alternative text, or if text
has too little contrast (WCAG AA: 4.5, large text 3). Needs chromium and chromedriver. `.ci/links.py` looks at links.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

from selenium import webdriver

_WIDTHS = (390, 1280)
_THEMES = ("light", "dark")

_LAYOUT = """
const found = [];
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth + 1) found.push(`page is ${root.scrollWidth} wide`);
for (const code of document.querySelectorAll(".highlight pre"))
  if (code.scrollWidth > code.clientWidth + 1)
    found.push(`code scrolls: ${code.innerText.split("\\n").sort((a, b) => b.length - a.length)[0].slice(0, 130)}`);
for (const image of document.images) {
  if (image.offsetParent === null) continue;
  if (!image.naturalWidth) found.push(`picture is missing: ${image.getAttribute("src")}`);
  const described = (image.getAttribute("alt") || "").trim()
    || image.closest(".sphx-glr-thumbcontainer");  // the title stands below it
  if (!described) found.push(`picture without a text: ${image.getAttribute("src")}`);
}
return found;
"""
_CONTRAST = """
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
const over = (top, below) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map(i => alpha * top[i] + (1 - alpha) * below[i]);
};
const background = element => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, top) => top.length < 3 ? below : over(top, below), [255, 255, 255]);
};
const found = new Map();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const visible = element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  if (!visible || !walker.currentNode.data.trim()) continue;
  const style = getComputedStyle(element);
  const below = background(element);
  const text = over(parse(style.color), below);
  const [dark, light] = [luminance(text), luminance(below)].sort((a, b) => a - b);
  const contrast = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
  if (contrast < (large ? 3 : 4.5)) {
    const name = `${style.color} on ${below.map(Math.round)}`;
    if (!found.has(name)) found.set(name, `contrast ${contrast.toFixed(2)}, ${name}: `
      + walker.currentNode.data.trim().slice(0, 40));
  }
}
return [...found.values()];
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("html", type=Path, help="folder that sphinx-build wrote")
    folder = parser.parse_args().html.resolve()
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(option)
    faults: dict[str, set[str]] = defaultdict(set)
    pages = sorted(folder.rglob("*.html"))
    with webdriver.Chrome(options) as browser:
        for path in pages:
            browser.get(path.as_uri())
            name = path.relative_to(folder).as_posix()
            browser.execute_script("for (const i of document.images) i.loading = 'eager'")
            for width in _WIDTHS:
                size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                for fault in browser.execute_script(_LAYOUT):
                    faults[f"{width} px: {fault}"].add(name)
            for theme in _THEMES:
                browser.execute_script(f"document.body.dataset.theme = '{theme}'")
                for fault in browser.execute_script(_CONTRAST):
                    faults[f"{theme}: {fault}"].add(name)
    for fault, names in sorted(faults.items()):
        print(f"{fault}\n    {len(names)} pages: {', '.join(sorted(names)[:4])}")
    print(f"{len(pages)} pages, {len(_WIDTHS)} widths, {len(_THEMES)} themes: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
