"""Agreement of Dice and cross-entropy with other implementations: the largest difference over random cases.

    python -m benchmarks.agreement.dice_and_cross_entropy docs/validation/agreement.md

Needs `pip install "keras-lvseg[torch,reference]"`. The tests run the same comparisons on every backend.
"""

import argparse
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.table import write_table
from keras_lvseg import DiceCoefficient, SparseSoftmaxCE

CASES = 2000
TARGET = 1e-6

# Few shapes, so that a backend that compiles for each shape does so few times: images, height, width, classes.
SHAPES = ((1, 1, 1, 2), (2, 4, 7, 2), (3, 9, 5, 3), (5, 5, 5, 4))


def cases(count: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray, np.random.Generator]]:
    """Yield labels (B, H, W) and logits (B, H, W, C) of every density, empty and full labels included."""
    random = np.random.default_rng(seed)
    for i in range(count):
        *pixels, classes = SHAPES[i % len(SHAPES)]
        foreground = random.choice([0.0, 0.02, 0.3, 0.9, 1.0])
        labels = np.where(random.random(pixels) < foreground, random.integers(1, classes, pixels), 0)
        logits = random.normal(0, random.choice([0.1, 1, 20]), (*pixels, classes))
        # From noise to a prediction that says the same as the labels.
        logits += random.choice([0, 1, 10, 1000]) * np.eye(classes)[labels]
        yield labels.astype(np.int32), logits.astype(np.float32), random


def dice(labels: np.ndarray, logits: np.ndarray, **arguments) -> float:
    """Return the result of `DiceCoefficient`."""
    metric = DiceCoefficient(**arguments)
    metric.update_state(labels, logits)
    return float(metric.result())


def exact_fraction(count: int) -> float:
    """Compare pooled Dice and the mean over images with exact fractions."""
    worst = Fraction(0)
    for labels, logits, random in cases(count):
        class_id = int(random.integers(logits.shape[-1]))
        truth, predicted = labels == class_id, logits.argmax(axis=-1) == class_id
        overlaps = [int((t & p).sum()) for t, p in zip(truth, predicted, strict=True)]
        sizes = [int(t.sum() + p.sum()) for t, p in zip(truth, predicted, strict=True)]
        pooled = Fraction(2 * sum(overlaps), sum(sizes)) if sum(sizes) else Fraction(1)
        each = [Fraction(2 * o, s) if s else Fraction(1) for o, s in zip(overlaps, sizes, strict=True)]
        for average, expected in (("dataset", pooled), ("image", sum(each) / len(each))):
            worst = max(worst, abs(Fraction(dice(labels, logits, class_id=class_id, average=average)) - expected))
    return float(worst)


def monai_dice(count: int) -> float:
    """Compare the mean over images of class 1 with `monai.metrics.compute_dice(ignore_empty=False)`."""
    import torch
    from monai.metrics import compute_dice

    worst = 0.0
    for labels, logits, _ in cases(count):
        classes = np.arange(logits.shape[-1])
        one_hot = (torch.tensor(np.moveaxis(m[..., None] == classes, -1, 1)) for m in (logits.argmax(-1), labels))
        theirs = compute_dice(*one_hot, include_background=True, ignore_empty=False)[:, 1].mean()
        worst = max(worst, abs(dice(labels, logits) - float(theirs)))
    return worst


def torchmetrics_dice(count: int) -> float:
    """Compare pooled Dice and the mean over images of two classes with `torchmetrics.segmentation.DiceScore`."""
    import torch
    from torchmetrics.segmentation import DiceScore

    worst = 0.0
    levels = {"image": "samplewise", "dataset": "global"}
    theirs = {
        average: DiceScore(2, include_background=False, average="micro", aggregation_level=level, input_format="index")
        for average, level in levels.items()
    }
    for labels, logits, _ in cases(count):
        truth, predicted = (labels == 1).astype(np.int64), (logits.argmax(axis=-1) == 1).astype(np.int64)
        if not (truth.any(axis=(1, 2)) | predicted.any(axis=(1, 2))).all():
            continue  # an image that is empty twice is NaN there; here `empty_score` decides
        for average, metric in theirs.items():
            metric.reset()
            metric.update(torch.tensor(predicted), torch.tensor(truth))
            worst = max(worst, abs(dice(truth, predicted, average=average) - float(metric.compute())))
    return worst


def torch_cross_entropy(count: int) -> float:
    """Compare `SparseSoftmaxCE` with torch: class weights, ignored class, label smoothing. Relative above 1."""
    import torch

    worst = 0.0
    for labels, logits, random in cases(count):
        classes = logits.shape[-1]
        labels = np.where(random.random(labels.shape) < random.choice([0, 0.3]), 255, labels)
        labels.flat[0] = 0  # all of them ignored is NaN there, and 0 here
        weights = random.uniform(0.1, 4, classes).astype(np.float32) if random.random() < 0.5 else None
        smoothing = float(random.choice([0.0, 0.1]))
        ours = SparseSoftmaxCE(weights, label_smoothing=smoothing, ignore_class=255)(labels, logits)
        theirs = torch.nn.functional.cross_entropy(
            torch.tensor(np.moveaxis(logits, -1, 1)),
            torch.tensor(labels, dtype=torch.int64),
            weight=None if weights is None else torch.tensor(weights),
            ignore_index=255,
            label_smoothing=smoothing,
        )
        worst = max(worst, abs(float(ours) - float(theirs)) / max(1.0, float(theirs)))
    return worst


def tensorflow_cross_entropy(count: int) -> float:
    """Compare plain `SparseSoftmaxCE` with TensorFlow. Relative above 1."""
    import tensorflow as tf

    worst = 0.0
    for labels, logits, _ in cases(count):
        theirs = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        worst = max(worst, abs(float(SparseSoftmaxCE()(labels, logits)) - float(theirs)) / max(1.0, float(theirs)))
    return worst


COMPARISONS: dict[str, Callable[[int], float]] = {
    "Dice: an exact fraction of Python's integers": exact_fraction,
    "Dice: MONAI's compute_dice, ignore_empty=False": monai_dice,
    "Dice: torchmetrics' DiceScore, samplewise and global": torchmetrics_dice,
    "cross-entropy: torch.nn.functional.cross_entropy, with weight, ignore_index, label_smoothing": torch_cross_entropy,
    "cross-entropy: tf.nn.sparse_softmax_cross_entropy_with_logits": tensorflow_cross_entropy,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    rows = [f"| {name} | {CASES:,} | {compare(CASES):.1e} |" for name, compare in COMPARISONS.items()]
    packages = ("keras", "tensorflow", "torch", "monai", "torchmetrics", "numpy")
    lines = [
        "# Agreement of Dice and cross-entropy",
        "",
        f"The largest difference over random cases; {TARGET:.0e} is the target. Differences of cross-entropy are",
        "relative where the loss is above 1, which float32 cannot hold to more digits than that.",
        "",
        "| against | cases | largest difference |",
        "| --- | --- | --- |",
        *rows,
        "",
        "Left out, because the definition is another one: an image that is empty in label and prediction is NaN in",
        "torchmetrics, and 1 here (`empty_score`); MONAI's default leaves out every image with an empty label, false",
        "positives with it, and here a false positive on an empty label scores 0; torch's cross-entropy is NaN where",
        "every pixel is ignored, and here it is 0.",
    ]
    write_table(
        arguments.table, lines, f"python -m benchmarks.agreement.dice_and_cross_entropy {arguments.table}", packages
    )


if __name__ == "__main__":
    main()
