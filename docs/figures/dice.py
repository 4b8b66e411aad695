"""Plot of what Dice counts, and of Dice against cavity size for errors along the contour.

    python docs/figures/dice.py docs/figures/dice.png

The masks are discs.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from keras_lvseg.evaluation import dice

_SPACING = 1.37  # mm a pixel, as in most of the Sunnybrook data


def disc(radius: float, shift: float = 0.0) -> np.ndarray:
    """Return a disc in an image of 128 x 128 pixels. Both lengths are in pixels."""
    return np.hypot(*(np.mgrid[-64:64, -64:64] - np.array([0.25, shift]).reshape(2, 1, 1))) < radius


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(1, 1.5), layout="constrained")

    truth, predicted = disc(20), disc(18, shift=7)
    left.imshow(truth + 2 * predicted, cmap=ListedColormap(["white", "#9ecae1", "#fdae6b", "#31a354"]))
    for x, text in ((-16, "T"), (3, "P and T"), (23, "P")):
        left.text(64 + x, 64, text, ha="center", va="center", fontsize=12)
    left.set(xlim=(38, 94), ylim=(90, 38), title=f"2 |P and T| / (|P| + |T|) = {dice(truth, predicted):.2f}")
    left.set_axis_off()

    radii = np.linspace(2, 28, 105)
    areas = np.pi * (radii * _SPACING) ** 2
    for error in (0.5, 1, 2):
        right.plot(areas, [dice(disc(r), disc(r - error)) for r in radii], label=f"{error * _SPACING:.1f} mm")
    right.axvspan(146, 4086, color="0.93", zorder=0)
    right.text(220, 0.04, "cavities of the real sample", color="0.4")
    right.set(xlabel="area of the cavity, mm²", ylabel="Dice", ylim=(0, 1), xlim=(0, 4500))
    right.legend(title="drawn too small all around by", loc="lower right", frameon=False)
    right.spines[["top", "right"]].set_visible(False)
    figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
