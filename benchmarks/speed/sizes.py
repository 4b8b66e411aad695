"""Dice against the time per image, over widths and depths of the U-Net, numbers of views, and engines.

    KERAS_BACKEND=torch python -m tools.campaign run data.npz NETWORKS sizes
    python -m benchmarks.speed.sizes docs/validation/sizes.md NETWORKS/size-*.json --trees VALIDATION ONLINE

The first command trains the networks, see `tools/campaign.py`. The trees are PNG trees of patients that they never saw.
Times are taken in turn, round by round, in one process. `pip install "keras-lvseg[openvino,onnx]"` has the engines.
"""

import argparse
import json
import os
import statistics
import time
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from benchmarks.speed.networks import count_parameters
from benchmarks.speed.segment_speed import mean_dice, pooled
from benchmarks.table import write_table
from keras_lvseg import SAXDataset
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.studies import read_image

ENGINES = ("openvino", "onnx", "keras")
VIEWS = (1, 2, 4)
IMAGES = 16


def first_images(tree: Path, network: TrainedNetwork) -> list[np.ndarray]:
    """Return the first labelled images of a tree on the network's grid."""
    frames = SAXDataset(tree).labelled_frames("all")[:IMAGES]
    return [network.preprocessing.image(read_image(frame), network.preprocessing.grid(frame)) for frame in frames]


def times(networks: dict[str, dict[tuple, TrainedNetwork]], tree: Path, rounds: int) -> dict[str, dict[tuple, list]]:
    """Return wall and CPU seconds per image of each network, engine and number of views, one per round."""
    found: dict[str, dict[tuple, list]] = {name: {place: [] for place in own} for name, own in networks.items()}
    images = {name: first_images(tree, next(iter(own.values()))) for name, own in networks.items()}
    for number in range(-1, rounds):  # round -1 compiles
        for name, own in networks.items():
            for place, network in own.items():
                wall, cpu = time.perf_counter(), time.process_time()
                network.foregrounds(images[name])
                seconds = (time.perf_counter() - wall) / IMAGES, (time.process_time() - cpu) / IMAGES
                if number >= 0:
                    found[name][place].append(seconds)
    return found


def measure(paths: list[Path], trees: list[Path], rounds: int) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    networks = {
        str(path): {(e, v): TrainedNetwork(path, {}, engine=e, views=v) for e, v in product(ENGINES, VIEWS)}
        for path in paths
    }
    seconds = times(networks, trees[0], rounds)
    rows = []
    for path, own in networks.items():
        network = own["openvino", 1]
        architecture = network.info.architecture
        for views in VIEWS:
            images, mean = pooled([mean_dice(own["openvino", views], tree) for tree in trees])
            row = {
                "filters": architecture["filters"],
                "depth": architecture["depth"],
                "parameters": count_parameters(network.model),
                "steps": network.info.training["steps"],
                "views": views,
                "images": images,
                "dice": mean,
            }
            for engine in ENGINES:
                for clock, name in enumerate(("wall", "cpu")):
                    row[f"{engine} {name}"] = statistics.median(each[clock] for each in seconds[path][engine, views])
            rows.append(row)
            print(row, flush=True)
    return sorted(rows, key=lambda row: (row["filters"], row["depth"], row["views"]))


def table(rows: list[dict[str, Any]], backend: str, rounds: int, picture: str) -> list[str]:
    """Return the page as lines of Markdown."""
    first = rows[0]
    lines = [
        "# Size, views and time",
        "",
        f"Mean Dice of {first['images']} images of 29 patients, with the masks of a patient decided together, against",
        "the time per image. The networks are trained on the 15 training patients by [the recipe](accuracy.md) of the",
        f"bundled weights, with {first['steps']:,} steps instead of 8,000, and one seed. So the table compares sizes,",
        "and says nothing of the best Dice. The bundled weights have 16 filters and depth 4. Differences of a few",
        "thousandths are chance: another seed changes as much.",
        "",
        f"![Dice against milliseconds per image]({picture})",
        "",
        f"CPU milliseconds per image from the network's input to probabilities, medians of {rounds} rounds in turn. In",
        f'brackets: wall milliseconds. "Keras" computes on {backend}.',
        "",
        "| filters | depth | parameters | views | Dice | OpenVINO | ONNX Runtime | Keras |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = [f"{1e3 * row[f'{engine} cpu']:.1f} ({1e3 * row[f'{engine} wall']:.1f})" for engine in ENGINES]
        cells = [row["filters"], row["depth"], f"{row['parameters']:,}", row["views"], f"{row['dice']:.3f}", *cells]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Draw Dice against the time per image by OpenVINO."""
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for size in dict.fromkeys((row["filters"], row["depth"]) for row in rows):
        own = [row for row in rows if (row["filters"], row["depth"]) == size]
        milliseconds = [1e3 * row["openvino cpu"] for row in own]
        axes.plot(milliseconds, [row["dice"] for row in own], "o-", label=f"{size[0]} filters, depth {size[1]}")
        for x, row in zip(milliseconds, own, strict=True):
            axes.annotate(row["views"], (x, row["dice"]), xytext=(4, 4), textcoords="offset points")
    axes.set(xscale="log", xlabel="CPU milliseconds per image, OpenVINO", ylabel="mean Dice of 29 patients' images")
    axes.set_xticks([5, 10, 20, 50, 100])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_title("The numbers at the points are views")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write; JSON and a picture lie beside it")
    parser.add_argument("networks", type=Path, nargs="+", help="JSON files of networks")
    parser.add_argument("--trees", type=Path, nargs="+", required=True, help="trees to score on")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    import keras

    rows = measure(arguments.networks, arguments.trees, arguments.rounds)
    arguments.table.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    picture = arguments.table.with_suffix(".png")
    draw(picture, rows)
    command = f"python -m benchmarks.speed.sizes {arguments.table} NETWORKS/size-*.json --trees VALIDATION ONLINE"
    packages = ("keras", keras.backend.backend(), "openvino", "onnxruntime", "numpy")
    lines = table(rows, keras.backend.backend(), arguments.rounds, picture.name)
    write_table(arguments.table, lines, command, packages)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
