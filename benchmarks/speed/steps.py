"""Speed of a prediction and of a training step: this package on three backends, plain PyTorch, and other packages.

    python -m benchmarks.speed.steps docs/validation/step_speed.md

Needs `pip install "keras-lvseg[jax,torch,reference]"`. Each backend runs in a process of its own, and one process works
at a time. The networks take turns. `--toy` runs the same at a size that says nothing.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.speed.gpu import random_batch
from benchmarks.table import write_table

REFERENCE, BARE = "same layers, plain PyTorch", "same layers, plain Keras"
STEPS = 2  # in one measurement
Times = dict[str, dict[str, list[list[float]]]]
"""Wall and CPU seconds per image of each measurement, by kind of work and network."""


def multiply_adds(predict: Callable, size: int) -> int:
    """Return the multiply-adds of the convolutions for one image, as PyTorch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        predict(random_batch(size, 1)[0])
    return counter.get_total_flops() // 2


def serve(backend: str, toy: bool) -> None:
    """Time what the lines of the standard input ask for. Answer each line with wall and CPU seconds per image."""
    from benchmarks.speed.networks import NETWORKS, Batches

    answers, sys.stdout = sys.stdout, sys.stderr  # packages print
    predicted, trained = (32, 2) if toy else (144, 16), (32, 2) if toy else (96, 4)
    images, batches = random_batch(*predicted)[0], Batches(*random_batch(*trained), steps=STEPS)
    works: dict[tuple[str, str], tuple[Callable[[], object], int]] = {}
    sizes = {}
    for name, (own, make) in NETWORKS.items():
        if own == backend or (backend == "torch" and name.endswith("TensorFlow")):  # those are only counted
            network = make()
            sizes[name] = [network.parameters]
            if backend == "torch":
                sizes[name].append(multiply_adds(network.predict_on_batch, predicted[0]))
            if own == backend:
                works[name, "prediction"] = (lambda network=network: network.predict_on_batch(images), len(images))
                if hasattr(network, "fit"):  # engines only predict
                    works[name, "training step"] = (lambda network=network: network.fit(batches), STEPS * trained[1])
    for work, _ in works.values():
        work()  # compiles
        work()
    print(json.dumps({"sizes": sizes, "works": [*works]}), file=answers, flush=True)
    for line in sys.stdin:
        work, count = works[tuple(json.loads(line))]
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        seconds = [(time.perf_counter() - wall) / count, (time.process_time() - cpu) / count]
        print(json.dumps(seconds), file=answers, flush=True)


def start(backend: str, toy: bool) -> subprocess.Popen:
    """Start the process of a backend."""
    command = [sys.executable, "-m", "benchmarks.speed.steps", "--serve", backend, *(["--toy"] if toy else [])]
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def measure(rounds: int, toy: bool) -> tuple[dict[str, list[int]], Times]:
    """Return parameters and multiply-adds of each network, and the times."""
    servers = {backend: start(backend, toy) for backend in ("tensorflow", "jax", "torch")}
    first = {backend: json.loads(server.stdout.readline()) for backend, server in servers.items()}
    times: Times = {work: {} for work in ("prediction", "training step")}
    owners = {}
    for backend, answer in first.items():
        for name, work in answer["works"]:
            owners[name] = backend
            times[work][name] = []
    for number in range(rounds):
        for work, of_work in times.items():
            for name in list(of_work)[:: -1 if number % 2 else 1]:
                server = servers[owners[name]]
                print(json.dumps([name, work]), file=server.stdin, flush=True)
                of_work[name].append(json.loads(server.stdout.readline()))
    for server in servers.values():
        server.stdin.close()
        server.wait()
    counted = first["torch"]["sizes"]
    same = {name.partition(",")[0]: size for name, size in counted.items()}  # on every backend and engine
    return {name: counted.get(name) or same[name.partition(",")[0]] for name in owners}, times


def ratio(own: list[list[float]], other: list[list[float]], clock: int) -> float:
    """Return the median ratio of measurements of one round: of wall time (0) or of CPU time (1)."""
    return statistics.median(a[clock] / b[clock] for a, b in zip(own, other, strict=True))


def sentence_of_peers_ahead(times: dict[str, list[list[float]]], work: str) -> str:
    """Name the networks that need less CPU time than this package on its best backend or engine."""
    own = min((name for name in times if name.startswith("keras-lvseg")), key=lambda name: cpu(times[name]))
    ahead = [
        f"{name} ({ratio(times[name], times[own], 1):.2f})"
        for name in times
        if not name.startswith("keras-lvseg") and ratio(times[name], times[own], 1) < 1
    ]
    named = f"CPU time as a part of that of {own}, which is the fastest of this package"
    return f"- {work}: " + (f"{'; '.join(ahead)}. In brackets: {named}." if ahead else f"none. {own} is its best.")


def cpu(seconds: list[list[float]]) -> float:
    return statistics.median(each[1] for each in seconds)


def bare_of(name: str, times: dict[str, list[list[float]]]) -> list[list[float]] | None:
    """Return the times of the same layers in plain Keras on the same backend, for a row of this package on Keras."""
    return times.get(f"{BARE},{name.partition(',')[2]}") if name.startswith("keras-lvseg") else None


def table(sizes: dict[str, list[int]], times: Times, share: float, picture: str) -> list[str]:
    """Return the page as lines of Markdown."""
    lines = [
        "# Speed of a step",
        "",
        "A U-Net of 16 filters and depth 4. Prediction: 16 images of 144 x 144 pixels, NumPy to NumPy. Training step:",
        "4 images of 96 x 96 pixels, forward, backward and Adam, each network with the loss of its package; for this",
        "package the Dice of every batch as well. Engines only predict, to probabilities. Ahead of this package are:",
        "",
        *(sentence_of_peers_ahead(of_work, work) for work, of_work in times.items()),
        "",
        f"Medians of {len(times['prediction'][REFERENCE])} measurements in turn; ratios are medians of those within a",
        "round. CPU time is summed over the cores of a process. It depends little on what else the computer does. The",
        f"median measurement had {share:.0%} of one core ({processor()}). Far below 100 % per core, wall times mean",
        "little.",
        "",
        f"![CPU milliseconds per image of each network]({picture})",
    ]
    for work, of_work in times.items():
        plain = of_work[REFERENCE]
        lines += [
            "",
            f"## {work.capitalize()}",
            "",
            "| | CPU ms per image | times plain PyTorch, CPU | wall | times plain Keras, CPU | wall |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for name, own in sorted(of_work.items(), key=lambda row: cpu(row[1])):
            cells = [name, f"{1e3 * cpu(own):.1f}", *(f"{ratio(own, plain, clock):.2f}" for clock in (1, 0))]
            bare = bare_of(name, of_work)
            cells += ["", ""] if bare is None else [f"{ratio(own, bare, clock):.2f}" for clock in (1, 0)]
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "## Size", "", "| | parameters | multiply-adds, 144 x 144 |", "| --- | --- | --- |"]
    lines += [f"| {name} | {count:,} | {products / 1e9:.2f} x 10^9 |" for name, (count, products) in sizes.items()]
    return [
        *lines,
        "",
        "MONAI's and medicai's networks are other networks. BasicUNet normalizes each image, and has leaky ReLU.",
        "MONAI's UNet has two residual units per level, as in its tutorials. medicai's UNet has a ResNet18 as encoder.",
        "It uses four levels of it here, because five need sizes that are multiples of 32. The last stage counts among",
        "the parameters and computes nothing. keras-unet-collection runs with Keras 3 on TensorFlow.",
    ]


def processor() -> str:
    """Return the name of the CPU, or of its architecture where Linux does not say more."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.+)$", info.read_text() if info.is_file() else "", re.MULTILINE)
    return names[0] if names else platform.machine()


def draw(path: Path, times: Times) -> None:
    """Draw the CPU time per image."""
    figure, both = plt.subplots(1, 2, figsize=(14, 4.5), layout="constrained")
    for axes, (work, of_work) in zip(both, times.items(), strict=True):
        names = sorted(of_work, key=lambda name: cpu(of_work[name]))
        colours = ["#d95f0e" if name.startswith("keras-lvseg") else "#9ecae1" for name in names]
        bars = axes.barh(names, [1e3 * cpu(of_work[name]) for name in names], color=colours)
        axes.bar_label(bars, fmt="{:.1f}", padding=3)
        axes.set(title=work, xlabel="CPU milliseconds per image")
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.12)
        axes.invert_yaxis()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file; JSON and a picture lie beside it")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--toy", action="store_true", help="a size that ends in seconds")
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.toy)
        return
    sizes, times = measure(arguments.rounds, arguments.toy)
    seconds = [each for of_work in times.values() for own in of_work.values() for each in own]
    share = statistics.median(cpu / wall for wall, cpu in seconds)
    text = json.dumps({"sizes": sizes, "wall and CPU seconds per image": times}, indent=1)
    arguments.table.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    picture = arguments.table.with_suffix(".png")
    draw(picture, times)
    command = f"python -m benchmarks.speed.steps {arguments.table} --rounds {arguments.rounds}"
    packages = ("keras", "tensorflow", "jax", "torch", "openvino", "onnxruntime")
    peers = ("monai", "medicai", "keras-unet-collection")
    write_table(arguments.table, table(sizes, times, share, picture.name), command, (*packages, *peers))


if __name__ == "__main__":
    main()
