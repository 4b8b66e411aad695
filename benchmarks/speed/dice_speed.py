"""Speed of Dice on 16 images of 256 x 256 pixels and two classes, beside MONAI and torchmetrics.

    python -m benchmarks.speed.dice_speed docs/validation/dice_speed.md

Needs `pip install "keras-lvseg[torch,reference]"`; runs on the TensorFlow backend, and on JAX with KERAS_BACKEND=jax.
Ratios of medians of rounds in turn, in one process on the same tensors.
"""

import argparse
import resource
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import torch
from monai.metrics import DiceMetric

from benchmarks.table import write_table
from keras_lvseg import DiceCoefficient, SparseDiceCE, unet

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a change of its default, whatever is passed
    from torchmetrics.segmentation import DiceScore

    TORCHMETRICS = DiceScore(2, include_background=False, average="micro", input_format="index")
SHAPE = (16, 256, 256)
ROUNDS = 15
PAIRS = 15


def compiled(
    metric: DiceCoefficient, labels: np.ndarray, prediction: np.ndarray, xla: bool = True
) -> Callable[[], object]:
    """Return a compiled update of the metric. Without XLA it is TensorFlow's graph, as in `fit` on a CPU."""
    labels, prediction = keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(prediction)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        update = tf.function(metric.update_state, jit_compile=xla)
        return lambda: (update(labels, prediction), metric.variables[0].numpy())
    if keras.backend.backend() == "jax":
        import jax

        update = jax.jit(metric.stateless_update_state)
        variables = [variable.value for variable in metric.variables]
        return lambda: jax.block_until_ready(update(variables, labels, prediction))
    raise SystemExit("PyTorch's Keras backend does not compile metrics; run this on tensorflow or jax")


def monai_update(labels: torch.Tensor, prediction: torch.Tensor) -> Callable[[], object]:
    metric = DiceMetric(include_background=False)

    def one_hot(label_map: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(label_map, 2).movedim(-1, 1)

    def update() -> object:
        metric.reset()
        return metric(one_hot(_label_map(prediction)), one_hot(labels))

    return update


def torchmetrics_update(labels: torch.Tensor, prediction: torch.Tensor) -> Callable[[], object]:
    return lambda: TORCHMETRICS.update(_label_map(prediction), labels)


def _label_map(prediction: torch.Tensor) -> torch.Tensor:
    return prediction.argmax(dim=-1) if prediction.ndim == 4 else prediction


def in_turn(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS, warm: int = 8, timed: int = 8) -> dict:
    """Return the median seconds of each. A turn starts with untimed calls, because other threads still spin then."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(rounds + 1):  # the first compiles
        for name, call in calls.items():
            for _ in range(warm):
                call()
            for _ in range(timed if round_ else 0):
                start = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def share_of_a_training_step() -> tuple[float, list[float]]:
    """Return the share of the metric in a training step of a U-Net on 128 x 128 crops.

    Returns:
        An update's time by that of a step without it; and the quartiles of how much longer an epoch with the metric
        took than one without, in pairs: epochs on a few cores differ by more than the metric takes.
    """
    random = np.random.default_rng(0)
    images = random.normal(size=(16, 128, 128, 1)).astype("float32")
    labels = (random.random((16, 128, 128, 1)) < 0.05).astype("uint8")
    steps = 4

    def epoch(metrics: list) -> Callable[[], object]:
        model = unet(filters=16)
        model.compile("adam", loss=SparseDiceCE(), metrics=metrics)
        return lambda: model.fit(images, labels, batch_size=len(images) // steps, verbose=0)

    logits = random.normal(size=(len(images) // steps, 128, 128, 2)).astype("float32")
    update = compiled(DiceCoefficient(), labels[: len(logits)], logits, xla=False)
    seconds = in_turn({"update": update})
    epochs = {"without": epoch([]), "with": epoch([DiceCoefficient()])}
    for call in epochs.values():
        call()  # compiles
    pairs = [in_turn(epochs, rounds=1, warm=0, timed=1) for _ in range(PAIRS)]
    longer = [pair["with"] / pair["without"] - 1 for pair in pairs]
    step = statistics.median(pair["without"] for pair in pairs) / steps
    return seconds["update"] / step, statistics.quantiles(longer, n=4)


def growth_of_memory(update: Callable[[], object]) -> float:
    """Return the MiB by which the process's peak memory grows over a thousand updates."""
    for _ in range(50):
        update()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        update()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    labels = (random.random(SHAPE) < 0.05).astype("int64")
    logits = (random.normal(size=(*SHAPE, 2)) + 2 * np.eye(2)[labels]).astype("float32")
    rows = []
    for form, prediction in (("logits", logits), ("label maps", logits.argmax(axis=-1))):
        tensors = torch.tensor(labels), torch.tensor(prediction)
        others = {"MONAI": monai_update(*tensors), "torchmetrics": torchmetrics_update(*tensors)}
        update = compiled(DiceCoefficient(), labels, prediction)
        ours = {"XLA": update}
        if keras.backend.backend() == "tensorflow":
            ours["graph"] = compiled(DiceCoefficient(), labels, prediction, xla=False)
        seconds = in_turn(ours | others)
        for how in ours:
            ratios = (f"{seconds[name] / seconds[how]:.1f}" for name in others)
            rows.append(f"| {form} | {how} | {1000 * seconds[how]:.1f} | {' | '.join(ratios)} |")
        growth = growth_of_memory(update)
    share, longer = share_of_a_training_step()
    backend = keras.backend.backend()
    packages = ("keras", backend, "torch", "monai", "torchmetrics")
    lines = [
        f"# Speed of Dice on {backend}",
        "",
        f"An update with {SHAPE[0]} images of {SHAPE[1]} x {SHAPE[2]} pixels and two classes: how many times as long",
        "MONAI's DiceMetric and torchmetrics' DiceScore take, with the argmax and the one-hot labels that they need.",
        f"Medians of {ROUNDS} rounds in turn, in one process, on the same tensors. Ours is compiled by XLA;",
        "TensorFlow's plain graph is what `fit` runs on a CPU.",
        "",
        "| from | compiled | milliseconds | MONAI / ours | torchmetrics / ours |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        f"In `fit` an update takes {share:.2%} of a training step of a U-Net (16 filters, depth 4, batches of",
        f"4 x 128 x 128). Epochs with it were longer than epochs without by a median of {longer[1]:.1%} "
        f"(quartiles {longer[0]:.1%} and {longer[2]:.1%}, {PAIRS} pairs).",
        "",
        f"Over a thousand updates the peak memory of the process grows by {growth:.1f} MiB.",
    ]
    write_table(
        arguments.table,
        lines,
        f"KERAS_BACKEND={backend} python -m benchmarks.speed.dice_speed {arguments.table}",
        packages,
    )


if __name__ == "__main__":
    main()
