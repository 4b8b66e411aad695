"""Four of the sixteen frames of the leave-one-out sheet, at even steps from the worst Dice to the best.

    python docs/figures/first_screen.py docs/validation/leave_one_out.png docs/figures/first_screen.png

The sheet is written by `benchmarks/accuracy/leave_one_out.py`.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

_ROWS, _SHOWN = 8, (0, 5, 10, 15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path, help="two columns of eight frames: image, label, prediction")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    sheet = np.asarray(Image.open(arguments.sheet).convert("RGB"))
    # Lines of nothing but white part the sheet's heading from its rows, and these from each other.
    is_drawn = (sheet < 250).any(axis=(1, 2))
    starts = np.flatnonzero(np.diff(is_drawn.astype(int), prepend=0) == 1)[-_ROWS:]
    height, width = int(np.diff(starts).min()), sheet.shape[1] // 2
    tiles = []
    for frame in _SHOWN:
        column, row = divmod(frame, _ROWS)
        tiles.append(sheet[starts[row] : starts[row] + height, column * width : (column + 1) * width])
    Image.fromarray(np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])).save(arguments.figure)


if __name__ == "__main__":
    main()
