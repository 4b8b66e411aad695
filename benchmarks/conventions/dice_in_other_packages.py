"""Dice of several packages in situations on which they differ.

    python -m benchmarks.conventions.dice_in_other_packages docs/validation/dice_in_other_packages.md

Needs `pip install "keras-lvseg[torch,reference]"`. Every package is asked as its documentation says, with its defaults
but for what picks the foreground and says how the input is given.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import torch
from keras import ops
from medicai.metrics import SparseDiceMetric
from monai.metrics import DiceMetric

from benchmarks.table import write_table
from keras_lvseg import DiceCoefficient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a change of its default, whatever is passed
    from torchmetrics.segmentation import DiceScore

Batches = list[tuple[np.ndarray, np.ndarray]]
"""Labels (B, H, W) and two-class scores (B, H, W, 2) of each batch."""


def ours(batches: Batches) -> float:
    metric = DiceCoefficient()
    for labels, scores in batches:
        metric.update_state(labels, scores)
    return float(metric.result())


def keras_loss(batches: Batches) -> float:
    """Return 1 - keras.losses.Dice of the foreground channel, averaged over batches as in `fit`."""
    loss = keras.losses.Dice(axis=(1, 2, 3))
    return 1 - float(np.mean([loss(labels[..., None], scores[..., 1:]) for labels, scores in batches]))


def pasted(batches: Batches) -> float:
    """Return the mean over batches of the function in tutorials: Dice of foreground scores, with smooth = 1."""

    def dice(labels: np.ndarray, scores: np.ndarray) -> float:
        truth, predicted = labels.astype("float32"), scores[..., 1]
        return float((2 * (truth * predicted).sum() + 1) / (truth.sum() + predicted.sum() + 1))

    return float(np.mean([dice(*batch) for batch in batches]))


def medicai(batches: Batches) -> float:
    metric = SparseDiceMetric(from_logits=False, num_classes=2, target_class_ids=[1])
    for labels, scores in batches:
        # Labels as floats: it raises on integers.
        metric.update_state(ops.convert_to_tensor(labels[..., None], "float32"), ops.convert_to_tensor(scores))
    return float(metric.result())


def monai(batches: Batches) -> float:
    metric = DiceMetric(include_background=False)
    for labels, scores in batches:
        # Given scores it would take every one but zero for foreground.
        predicted, truth = (np.moveaxis(np.eye(2)[mask], -1, 1) for mask in (scores.argmax(axis=-1), labels))
        metric(torch.tensor(predicted), torch.tensor(truth))
    return float(metric.aggregate())


def torchmetrics(batches: Batches) -> float:
    metric = DiceScore(2, include_background=False, input_format="mixed")
    for labels, scores in batches:
        metric.update(torch.tensor(np.moveaxis(scores, -1, 1)), torch.tensor(labels))
    return float(metric.compute())


PACKAGES: dict[str, Callable[[Batches], float]] = {
    "keras-lvseg": ours,
    "`1 - keras.losses.Dice`": keras_loss,
    "the pasted `dice_coef`": pasted,
    "medicai": medicai,
    "MONAI": monai,
    "torchmetrics": torchmetrics,
}


def questions() -> dict[str, Batches]:
    """Return the situations and their batches."""
    random = np.random.default_rng(0)
    sure, unsure, logits = np.array([1.0, 0.0]), np.array([0.9, 0.1]), np.array([4.0, -4.0])

    def scores(mask: np.ndarray, of_background: np.ndarray) -> np.ndarray:
        return np.where(mask[..., None] == 1, of_background[::-1], of_background).astype("float32")

    disc = (np.hypot(*np.mgrid[-32:32, -32:32]) < 12).astype("int64")[None]
    empty = np.zeros_like(disc)
    speck = empty.copy()
    speck[0, :3, :3] = 1
    # Ten images, cavities from large to none, and a prediction that misses more of the small ones.
    radii = np.array([26, 22, 18, 15, 12, 9, 6, 4, 2, 0])[:, None, None]
    distance = np.hypot(*np.mgrid[-32:32, -32:32])[None]
    labels = (distance < radii).astype("int64")
    predicted = (np.roll(distance, 2, axis=2) < np.maximum(radii - 2, 0)).astype("int64")
    order = random.permutation(10)
    labels, predicted = labels[order], predicted[order]

    def batched(size: int) -> Batches:
        ends = range(0, 10, size)
        return [(labels[i : i + size], scores(predicted[i : i + size], sure)) for i in ends]

    return {
        "a perfect prediction as probabilities of 0.9 and 0.1": [(disc, scores(disc, unsure))],
        "the same as logits of 4 and -4, which nobody is told": [(disc, scores(disc, logits))],
        "nothing there, nothing found": [(empty, scores(empty, sure))],
        "nothing there, nine pixels found": [(empty, scores(speck, sure))],
        "ten images, one a batch": batched(1),
        "the same ten, three a batch": batched(3),
        "the same ten in one batch": batched(10),
    }


def answer(ask: Callable[[Batches], float], batches: Batches) -> str:
    try:
        return f"{ask(batches):.3f}"
    except (ValueError, RuntimeError, TypeError) as error:
        return type(error).__name__


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    rows = [
        f"| {question} | {' | '.join(answer(ask, batches) for ask in PACKAGES.values())} |"
        for question, batches in questions().items()
    ]
    packages = ("keras", keras.backend.backend(), "medicai", "monai", "torchmetrics", "torch")
    lines = [
        "# Dice, asked elsewhere",
        "",
        "The Dice of the foreground in a few situations on which packages differ. Each package with its defaults, but",
        "for what picks the foreground and says how the input is given; keras' loss with `axis=(1, 2, 3)`, one Dice an",
        "image.",
        "",
        f"| | {' | '.join(PACKAGES)} |",
        f"| --- |{' --- |' * len(PACKAGES)}",
        *rows,
    ]
    write_table(
        arguments.table, lines, f"python -m benchmarks.conventions.dice_in_other_packages {arguments.table}", packages
    )


if __name__ == "__main__":
    main()
