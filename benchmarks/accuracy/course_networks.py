"""The course's networks one change at a time, with the same hearts, grid, epochs and optimiser.

    python -m benchmarks.accuracy.course_networks docs/validation/course_networks.md
    python -m benchmarks.accuracy.course_networks TABLE --data DIR --epochs 60

The examples train the same networks on different grids and epochs; here the steps can be compared.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from benchmarks.table import write_table
from keras_lvseg import SAXDataset, SparseDiceCE, SparseSoftmaxCE, fcn, fully_connected, unet
from keras_lvseg.data import Augmentation
from keras_lvseg.evaluation import Scores
from keras_lvseg.inference import evaluate
from keras_lvseg.phantom import write_phantom

SIZE = (96, 96)
SEEDS = (0, 1)
AUGMENTATION = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, contrast=0.25, brightness=0.25)


@dataclass(frozen=True)
class Step:
    """A network and its training."""

    network: Callable[[], keras.Model]
    loss: type[keras.losses.Loss] = SparseSoftmaxCE
    augment: Augmentation | None = None


STEPS = {
    "fully connected, 64 hidden units": Step(lambda: fully_connected((*SIZE, 1), hidden_units=64)),
    "convolutions, one transpose convolution": Step(lambda: fcn((*SIZE, 1), filters=(25, 50, 75, 75))),
    "U-Net of 8 filters": Step(lambda: unet(filters=8)),
    "... with Dice in the loss": Step(lambda: unet(filters=8), SparseDiceCE),
    "... and images changed at random": Step(lambda: unet(filters=8), SparseDiceCE, AUGMENTATION),
}


def train_and_score(step: Step, dataset: SAXDataset, epochs: int, seed: int) -> tuple[int, Scores]:
    """Train on "train"; return the number of weights and the scores on "test"."""
    keras.utils.set_random_seed(seed)
    batches = dataset.as_pydataset("train", batch_size=4, shuffle=True, augment=step.augment, seed=seed)
    model = step.network()
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(batches))
    model.compile(keras.optimizers.Adam(schedule), step.loss())
    model.fit(batches, epochs=epochs, shuffle=False, verbose=0)
    frames = dataset.labelled_frames("test")
    return model.count_params(), evaluate(model, frames, preprocessing=dataset.preprocessing).scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--data", type=Path, help="folder with DICOM and contours; synthetic hearts if left out")
    parser.add_argument("--epochs", type=int, default=20, help="epochs per step")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.data
        if folder is None:
            folder = Path(scratch) / "hearts"
            write_phantom(folder, patients=9, seed=0, frames="contoured")
        names = [patient.patient_id for patient in SAXDataset(folder).patients]
        tests = max(len(names) // 3, 1)
        splits = {"train": names[:-tests], "test": names[-tests:]}
        dataset = SAXDataset(folder, splits=splits, image_size=SIZE, pixel_spacing=1.4)
        rows = []
        for name, step in STEPS.items():
            weights, scores = zip(
                *(train_and_score(step, dataset, arguments.epochs, seed) for seed in SEEDS), strict=True
            )
            dices = [score.mean_dice for score in scores]
            worst = min(image.dice for score in scores for image in score.images)
            rows.append(f"| {name} | {weights[0]:,} | {np.mean(dices):.3f} | {min(dices):.3f} | {worst:.3f} |")
    data = "synthetic hearts" if arguments.data is None else "patients of DATA"
    options = "" if arguments.data is None else f" --data DATA --epochs {arguments.epochs}"
    lines = [
        "# The course's networks, step by step",
        "",
        f"Trained on {len(names) - tests} {data} for {arguments.epochs} epochs of batches of 4, tested on {tests}",
        f"others, {SIZE[0]} x {SIZE[1]} pixels of 1.4 mm, Adam from 2e-3 along a cosine; {len(SEEDS)} seeds. Dice is",
        "the mean over the images, on their own grid.",
        "",
        "| step | weights | Dice | of the worse seed | worst image |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    write_table(
        arguments.table,
        lines,
        f"python -m benchmarks.accuracy.course_networks {arguments.table}{options}",
        ("keras", keras.backend.backend()),
    )


if __name__ == "__main__":
    main()
