"""Eight slices of a held-out patient with the contours of `Segmenter`.

    python docs/figures/segment.py DATA/dicoms/SCD0000101 RUNS/recipe-fold0-seed0 docs/figures/segment.png

RUNS is the folder that `benchmarks/accuracy/cross_validation.py` left; that patient was held out in the first fold.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from keras_lvseg import Segmenter
from keras_lvseg.reporting import draw_overlay
from keras_lvseg.studies import read_image

_SHOWN = 120  # pixels of an image, about its centre
_COLUMNS, _ROWS = 4, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder with one patient's DICOM files")
    parser.add_argument("run", type=Path, help="a training run that left the patient out")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    found = Segmenter(arguments.run).segment(arguments.study)
    (study,) = found.studies
    ed = found.volumes(study).ed
    frames = [frame for frame in study.frames if ed is not None and frame.phase == ed.phase]
    tiles = []
    for frame in frames[1 : 1 + _COLUMNS * _ROWS]:
        rows, columns = (slice((size - _SHOWN) // 2, (size + _SHOWN) // 2) for size in frame.shape)
        picture = draw_overlay(read_image(frame)[rows, columns], found.masks[frame.key][rows, columns])
        tiles.append(np.asarray(picture.convert("RGB").resize((300, 300))))
    grid = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    Image.fromarray(np.vstack(grid)).save(arguments.figure)


if __name__ == "__main__":
    main()
