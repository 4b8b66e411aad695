"""Plot of each loss for a predicted disc that grows from nothing to too large.

    python docs/figures/losses.py docs/figures/losses.png

The cavity and the prediction are discs.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import SparseDiceCE, SparseSoftDice, SparseSoftmaxCE

_TRUTH, _SURE = 10.0, 4.0  # radius of the cavity in pixels, the logits of a prediction


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    distance = np.hypot(*np.mgrid[-64:64, -64:64])
    label = (distance < _TRUTH).astype("int32")[None]
    radii = np.linspace(0, 20, 81)
    losses = {
        "SparseSoftmaxCE": SparseSoftmaxCE(),
        "SparseSoftmaxCE, class_weights=(1, 20)": SparseSoftmaxCE(class_weights=(1, 20)),
        "SparseSoftDice": SparseSoftDice(),
        "SparseDiceCE": SparseDiceCE(),
    }
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for name, loss in losses.items():
        values = []
        for radius in radii:
            score = np.where(distance < radius, _SURE, -_SURE)
            values.append(float(loss(label, np.stack([-score, score], axis=-1)[None] / 2)))
        axes.plot(radii, values, label=name)
    axes.axvline(_TRUTH, color="0.6", linewidth=1, zorder=0)
    axes.text(_TRUTH + 0.2, 1.17, "the cavity's own radius", color="0.4")
    axes.set(xlabel="radius of the predicted disc, pixels", ylabel="loss", ylim=(0, 1.25), xlim=(0, 20))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
