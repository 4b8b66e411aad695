"""What the pages share and no page is about: options, hearts to work on, the score of a network, pictures of it."""

from __future__ import annotations

import argparse
import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import FigureBase
from rich.console import Console

from keras_lvseg import DataError, SAXDataset
from keras_lvseg.evaluation import Evaluation
from keras_lvseg.inference.evaluate import evaluate
from keras_lvseg.io.dicom import read_pixels
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting.contact_sheet import LABEL_COLOUR, PREDICTION_COLOUR
from keras_lvseg.reporting.score_tables import score_table

_PHANTOMS = 8
_WINDOW = 130  # mm of a frame that a picture shows


def read_options(figure: str, epochs: int) -> argparse.Namespace:
    """Read the command line.

    Args:
        figure: Default name of the figure's file.
        epochs: Default number of epochs.

    Returns:
        `data` (a folder or None), `epochs` and `figure`.
    """
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with DICOM and contours; synthetic hearts where left out")
    parser.add_argument("--epochs", type=int, default=epochs, help="how often each image is seen")
    parser.add_argument("--figure", type=Path, default=Path(figure), help="the PNG to write")
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs has to be 1 or more")
    if not options.figure.absolute().parent.is_dir():
        parser.error(f"--figure has to lie in a folder that is there: {options.figure}")
    return options


def find_data(options: argparse.Namespace) -> Path:
    """Return the folder that `--data` names, or one of synthetic hearts that is gone when Python ends."""
    return options.data or _phantoms()


@cache
def _phantoms() -> Path:
    scratch = Path(tempfile.mkdtemp(prefix="keras-lvseg-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    print(f"drawing {_PHANTOMS} synthetic hearts")
    write_phantom(scratch / "hearts", _PHANTOMS, seed=0, frames="contoured")
    return scratch / "hearts"


def split_patients(data_dir: Path, validation: bool = False) -> dict[str, list[str]]:
    """Keep patients apart: the last third for the test, and where asked for the sixth before it for validation.

    Args:
        data_dir: A folder with DICOM and contours.
        validation: Whether to make a split "validation".

    Returns:
        A mapping from a split's name to patients, which is printed as well.
    """
    try:
        names = [patient.patient_id for patient in SAXDataset(data_dir).patients]
    except DataError as error:
        raise SystemExit(str(error)) from None
    sizes = {"test": max(len(names) // 3, 1)}
    if validation:
        sizes["validation"] = max(len(names) // 6, 1)
    if len(names) <= sum(sizes.values()):
        raise SystemExit(f"{data_dir}: holds too few patients, {len(names)}, to keep some apart")
    splits = {}
    for split, size in sizes.items():
        names, splits[split] = names[:-size], names[-size:]
    splits = {"train": names, **splits}
    for split, members in splits.items():
        print(f"{split}: {', '.join(members)}")
    return splits


def score_on_test(model: keras.Model, dataset: SAXDataset) -> Evaluation:
    """Score a network on the test patients, each frame whole and on its own grid, and print the scores.

    Args:
        model: The network.
        dataset: What it was trained with.

    Returns:
        Scores, frames, labels and masks.
    """
    frames = dataset.labelled_frames("test")
    roles = {frame.patient_id: "test" for frame in frames}
    evaluation = evaluate(model, frames, dataset.preprocessing, dataset.target, dataset.contour_origin, roles)
    Console().print(score_table(evaluation.scores, "patients not trained on"))
    print(f"Dice on patients not trained on: {evaluation.scores.mean_dice:.3f}")
    return evaluation


def draw_predictions(figure: FigureBase, evaluation: Evaluation, columns: int = 4) -> None:
    """Draw frames from the worst Dice to the best, evenly over the ranks: image, label, prediction.

    Args:
        figure: Where to.
        evaluation: From `score_on_test`.
        columns: How many frames.
    """
    dices = [image.dice for image in evaluation.scores.images]
    ranked = np.argsort(dices, kind="stable")
    grid = figure.subplots(3, columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, text in zip(grid[:, 0], ("image", "label", "prediction"), strict=True):
        axes.set_ylabel(text)
    for column, i in zip(grid.T, ranked[np.linspace(0, len(ranked) - 1, columns).round().astype(int)], strict=True):
        frame, mask, truth = evaluation.frames[i], evaluation.masks[i], evaluation.labels[i]
        centre = np.argwhere(truth > 0).mean(axis=0)
        half = _WINDOW / 2 / np.array(frame.pixel_spacing)
        window = tuple(slice(max(int(c - h), 0), int(c + h)) for c, h in zip(centre, half, strict=True))
        image = read_pixels(frame.path)[window]
        low, high = np.percentile(image, (1, 99.5))
        for axes in column:
            axes.imshow(image, cmap="gray", vmin=low, vmax=high)
        for axes, drawn, colour in ((column[1], truth, LABEL_COLOUR), (column[2], mask, PREDICTION_COLOUR)):
            if drawn[window].any():
                axes.contour(drawn[window] > 0, levels=[0.5], colors=colour, linewidths=1.5)
        column[0].set_title(f"Dice {dices[i]:.2f}", fontsize=10)
