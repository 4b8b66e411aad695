"""Time of training until patients that the network never saw have a Dice of 0.70, 0.80 and 0.85.

    python -m benchmarks.speed.time_to_dice PNG RUNS docs/validation/time_to_dice.md

PNG is the challenge's training part as images. Needs `pip install "keras-lvseg[torch,reference]"`. Each network trains
in a process of its own for at most `--limit` seconds. An interrupted script resumes: RUNS keeps what was finished.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.table import write_table

NAMES = (
    "keras-lvseg, TensorFlow",
    "MONAI BasicUNet",
    "MONAI UNet",
    "medicai UNet, TensorFlow",
    "keras-unet-collection unet_2d, TensorFlow",
)
LEVELS = (0.70, 0.80, 0.85)
CROP, BATCH = 96, 4


def train(name: str, data: Path, limit: float) -> list[dict[str, float]]:
    """Train a network until it is as good as the highest level or the time is over, and score it after each pass.

    Returns:
        For each pass the Dice of the held-out patients, and the wall and CPU seconds of all training until then.
    """
    import keras

    from benchmarks.accuracy.runs import by_group
    from benchmarks.speed.augmentation_speed import FULL
    from benchmarks.speed.networks import NETWORKS
    from keras_lvseg import SAXDataset
    from keras_lvseg.inference import evaluate
    from keras_lvseg.training import recipe_grid

    keras.utils.set_random_seed(0)
    held_out, *others = by_group(data)
    splits = {"train": [patient for fold in others for patient in fold], "test": held_out}
    dataset = SAXDataset(data, splits=splits, labels_include_outline=True, **recipe_grid("unet"))
    augment = dataclasses.replace(FULL, crop=CROP)
    options = {"batch_size": BATCH, "shuffle": True, "seed": 0, "drop_remainder": True}
    batches = dataset.as_pydataset("train", augment=augment, **options)
    frames = dataset.labelled_frames("test")
    network = NETWORKS[name][1]()
    passes: list[dict[str, float]] = []
    wall = cpu = 0.0
    while wall < limit and not (passes and passes[-1]["dice"] >= LEVELS[-1]):
        start = time.perf_counter(), time.process_time()
        network.fit(batches)
        wall, cpu = wall + time.perf_counter() - start[0], cpu + time.process_time() - start[1]
        scores = evaluate(network, frames, preprocessing=dataset.preprocessing).scores
        dice = sum(patient.pooled_dice for patient in scores.patients) / len(scores.patients)
        passes.append({"dice": dice, "wall": wall, "cpu": cpu})
        print(f"{name}: Dice {dice:.3f} after {wall:.0f} s", file=sys.stderr, flush=True)
    return passes


def train_apart(name: str, data: Path, runs: Path, limit: float) -> list[dict[str, float]]:
    """Train in a new process, or return what an earlier run of this script found."""
    from benchmarks.speed.networks import NETWORKS

    kept = runs / f"{name}.json"
    if not kept.is_file():
        command = [sys.executable, "-m", "benchmarks.speed.time_to_dice", str(data), str(runs), "--train", name]
        environment = {**os.environ, "KERAS_BACKEND": NETWORKS[name][0]}
        done = subprocess.run(
            [*command, "--limit", str(limit)], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        runs.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


def cell(passes: list[dict[str, float]], level: float) -> str:
    """Return wall and CPU seconds until a level, or the best Dice and when the training was ended."""
    for each in passes:
        if each["dice"] >= level:
            return f"{each['wall']:.0f} s ({each['cpu']:.0f} s)"
    return f"not within {passes[-1]['wall']:.0f} s ({passes[-1]['cpu']:.0f} s)"


def table(found: dict[str, list[dict[str, float]]], limit: float) -> list[str]:
    """Return the page as lines of Markdown."""
    lines = [
        "# Time to a Dice",
        "",
        "Seconds of training until the mean 3-D Dice of three held-out patients, on the native grid, first reaches a",
        "level. In brackets: CPU seconds. The networks have 16 filters at full resolution, and each the loss of its",
        f"package. All train with Adam at 0.001, {BATCH} crops of {CROP} x {CROP} pixels a step, the same 12 patients",
        "and the same augmentation by this package. They are scored after each pass. Compilation counts, scoring does",
        f"not. A training ends after the pass that reaches {LEVELS[-1]}, or after {limit:.0f} s. There is one seed, so",
        "differences of one or two passes are chance. On a computer without other work, CPU seconds are at most wall",
        "seconds times cores. Much fewer mean that the computer was shared.",
        "",
        "| | " + " | ".join(f"{level:.2f}" for level in LEVELS) + " | best Dice | passes |",
        "| --- |" + " --- |" * (len(LEVELS) + 2),
    ]
    for name, passes in found.items():
        cells = [name, *(cell(passes, level) for level in LEVELS)]
        cells += [f"{max(each['dice'] for each in passes):.3f}", str(len(passes))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file to write; JSON lies beside it")
    parser.add_argument("--limit", type=float, default=600, help="seconds of training of each network")
    parser.add_argument("--train", choices=NAMES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(train(arguments.train, arguments.data, arguments.limit)))
        return
    found = {name: train_apart(name, arguments.data, arguments.runs, arguments.limit) for name in NAMES}
    arguments.table.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    command = f"python -m benchmarks.speed.time_to_dice PNG RUNS {arguments.table}"
    packages = ("keras", "tensorflow", "torch", "monai", "medicai")
    write_table(arguments.table, table(found, arguments.limit), command, packages)


if __name__ == "__main__":
    main()
