"""A patient of median Dice among those that a network was not trained on.

    python docs/figures/typical_patient.py RUN PNG docs/figures/typical_patient.png

RUN has a network that was trained on the 2009 challenge's training patients. PNG is the tree of its validation patients
as PNG images. A patient's Dice is the mean over images. The figure has four slices at even steps from base to apex, at
end-diastole and end-systole.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from keras_lvseg import SAXDataset
from keras_lvseg.inference import TrainedNetwork, evaluate
from keras_lvseg.studies import read_image

_SHOWN = 110  # pixels of an image, about the centre of the label
_SLICES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the network")
    parser.add_argument("data", type=Path, help="patients that it was not trained on")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()

    network = TrainedNetwork.from_run(arguments.run)
    dataset = SAXDataset(arguments.data, labels_include_outline=True)
    known = {patient.patient_id for patient in dataset.patients} & set(network.info.training["patients"])
    if known:
        raise SystemExit(f"the network was trained on {', '.join(sorted(known))}")
    evaluation = evaluate(
        network.model,
        dataset.labelled_frames("all"),
        preprocessing=network.preprocessing,
        contour_origin=network.info.data["contour_origin"],
        **network.info.inference,
    )
    ranked = sorted(evaluation.scores.patients, key=lambda patient: patient.mean_dice)
    typical = ranked[len(ranked) // 2]
    for patient in ranked:
        print(f"{patient.patient_id} {patient.mean_dice:.3f}{' (shown)' if patient is typical else ''}")
    (patient,) = (patient for patient in dataset.patients if patient.patient_id == typical.patient_id)

    figure = Figure(figsize=(10, 5.4), layout="constrained", facecolor="white")
    for row, (name, phase) in enumerate((("end-diastole", patient.ed_phase), ("end-systole", patient.es_phase))):
        own = [i for i, f in enumerate(evaluation.frames) if (f.patient_id, f.phase) == (patient.patient_id, phase)]
        own.sort(key=lambda i: evaluation.frames[i].slice)
        for column, place in enumerate(np.linspace(0, len(own) - 1, _SLICES).round().astype(int)):
            i = own[place]
            axes = figure.add_subplot(2, _SLICES, row * _SLICES + column + 1)
            label, mask = evaluation.labels[i], evaluation.masks[i]
            top, left = (np.argwhere(label).mean(axis=0) - _SHOWN / 2).round().astype(int)
            window = slice(top, top + _SHOWN), slice(left, left + _SHOWN)
            image = read_image(evaluation.frames[i])[window]
            low, high = np.percentile(image, (1, 99))
            axes.imshow(image, cmap="gray", vmin=low, vmax=high)
            axes.contour(label[window], levels=[0.5], colors="#2fd15b", linewidths=1.6)
            axes.contour(mask[window] == 1, levels=[0.5], colors="#ff5252", linewidths=1.6)
            axes.set_axis_off()
            axes.set_title(f"{name}, Dice {evaluation.scores.images[i].dice:.2f}", fontsize=10)
    figure.savefig(arguments.figure, dpi=110)


if __name__ == "__main__":
    main()
