"""All slices of a real study at end-diastole and end-systole, with the contours of `Segmenter`.

    python docs/figures/study.py STUDIES/dicoms/SCD0000201 docs/figures/study.png

The patient is one of those whose contours the bundled network was trained on.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_lvseg import Segmenter
from keras_lvseg.geometry import mask_contours
from keras_lvseg.studies import read_image

_TILE, _GAP, _COLUMNS = 190, 4, 7
_MARGIN = 12  # pixels of the image around all masks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder with one patient's DICOM files")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    (found,) = Segmenter().segment(arguments.study)
    print(found)
    assert found.volumes.ed is not None
    assert found.volumes.es is not None
    moments = {"ED": found.volumes.ed.phase, "ES": found.volumes.es.phase}
    frames = [
        (name, frame, mask)
        for name, phase in moments.items()
        for frame, mask in zip(found.study.frames, found.masks, strict=True)
        if frame.phase == phase
    ]
    filled = np.argwhere(np.any([mask for _, _, mask in frames], axis=0))
    low, high = filled.min(axis=0) - _MARGIN, filled.max(axis=0) + _MARGIN
    top, left = (int(value) for value in np.maximum((low + high - (high - low).max()) // 2, 0))
    window = (left, top, left + int((high - low).max()), top + int((high - low).max()))
    lines = []
    for name in moments:
        tiles = [_tile(*own, window) for own in frames if own[0] == name]
        tiles += [Image.new("RGB", (_TILE, _TILE), "white")] * (-len(tiles) % _COLUMNS)
        padded = [np.pad(np.asarray(tile), ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255) for tile in tiles]
        lines += [np.hstack(padded[start : start + _COLUMNS]) for start in range(0, len(padded), _COLUMNS)]
    Image.fromarray(np.vstack(lines)).quantize(128, dither=Image.Dither.NONE).save(arguments.figure, optimize=True)


def _tile(name, frame, mask, window) -> Image.Image:
    image = read_image(frame)
    low, high = np.percentile(image, (1, 99.5))
    grey = (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    tile = Image.fromarray(grey).crop(window).resize((_TILE, _TILE), Image.Resampling.BICUBIC).convert("RGB")
    draw, scale = ImageDraw.Draw(tile), _TILE / (window[2] - window[0])
    for contour in mask_contours(mask == 1):
        points = (np.concatenate([contour, contour[:1]]) + 0.5 - window[:2]) * scale
        draw.line([tuple(point) for point in points], fill="#ff5252", width=2)
    title = f"{name} slice {frame.slice}{'' if mask.any() else ', no mask'}"
    draw.text((6, 3), title, fill="white", font=ImageFont.load_default(14), stroke_width=2, stroke_fill="black")
    return tile


if __name__ == "__main__":
    main()
