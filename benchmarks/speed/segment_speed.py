"""Speed of `keras-lvseg segment` with the bundled weights, by engine and number of views, and what views are worth.

    python -m benchmarks.speed.segment_speed docs/validation/segment_speed.md --tree STUDY
        --dice NETWORK VALIDATION ONLINE

Run it in an environment with `pip install ".[openvino,onnx]"` alone, as users have it.
STUDY is a folder with DICOM files, of which the first 240 are one study; without it, a synthetic patient is written.
`--dice` scores a network on PNG trees of patients that it never saw: that of the official split of `tools.campaign`.
All rows are measured in turn, round by round, each in a process of its own; all files are in the system's memory.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.table import write_table
from keras_lvseg import SAXDataset
from keras_lvseg.data import draw_label
from keras_lvseg.evaluation import dice
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.inference.consistency.study_foregrounds import decide_study, prepare, study_foregrounds
from keras_lvseg.phantom import write_phantom

ROWS = [("openvino", 1), ("openvino", 2), ("openvino", 4), ("onnx", 2), ("keras", 2), ("keras", 4)]
BASELINE = ("keras", 4)
# Prints the seconds from the end of the imports to the end of the command, and the largest memory in kB. `ru_maxrss` of
# a child is at least the memory of the process that started it.
_PROGRAM = """
import re, sys, time
from keras_lvseg_cli.backend import choose_backend, load_backend
choose_backend(sys.argv[sys.argv.index("--engine") + 1])
load_backend()
import keras_lvseg.inference, keras_lvseg.reporting
from keras_lvseg_cli.app import run
start = time.perf_counter()
try:
    run(sys.argv[1:])
finally:
    seconds = time.perf_counter() - start
    print("seconds", seconds, re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""


def study_of(tree: Path, frames: int, folder: Path) -> Path:
    """Copy a tree's first frames into one folder, numbered."""
    paths = sorted(tree.rglob("*.dcm"), key=lambda path: (path.parent, len(path.name), path.name))[:frames]
    folder.mkdir()
    for number, path in enumerate(paths, 1):
        shutil.copy(path, folder / f"{number}.dcm")
    return folder


def measure(study: Path, out: Path, engine: str, views: int) -> tuple[float, float, float, float]:
    """Run the command in a new process.

    Return its seconds without and with imports, the seconds of all cores together, and its peak memory in MB.
    """
    arguments = ["segment", study, out, "--engine", engine, "--views", str(views)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(printed)
    whole = time.perf_counter() - start
    seconds, peak = map(float, printed.split()[-2:])
    return seconds, whole, usage.ru_utime + usage.ru_stime, peak / 1000


def mean_dice(network: TrainedNetwork, data: Path) -> tuple[int, float]:
    """Return the number of labelled images of a tree and their mean Dice, with masks decided together."""
    scores = []
    for patient in SAXDataset(data, labels_include_outline=True).patients:
        found = study_foregrounds(network, patient.frames, [[prepare(network, frame) for frame in patient.frames]])
        masks = decide_study(found).masks
        scores += [
            dice(mask, draw_label(frame, "endocardium", CONTOUR_ORIGIN))
            for frame, mask in zip(patient.frames, masks, strict=True)
            if frame.endocardium is not None
        ]
    return len(scores), float(np.mean(scores))


def dice_lines(network: Path, trees: list[Path]) -> list[str]:
    """Return the table of Dice by number of views."""
    lines = [
        "",
        "Mean Dice of a network that never saw the patients, with the masks of a patient decided together:",
        "",
        "| patients | images | 1 view | 2 views | 4 views |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_views = []
    for views in (1, 2, 4):
        own = TrainedNetwork(network, {}, engine="auto", views=views)
        by_views.append([mean_dice(own, tree) for tree in trees])
    for tree, *scores in zip([*trees, Path("all")], *([*each, pooled(each)] for each in by_views), strict=True):
        lines.append(f"| {tree.name} | {scores[0][0]} | {' | '.join(f'{mean:.4f}' for _, mean in scores)} |")
    return lines


def pooled(scores: list[tuple[int, float]]) -> tuple[int, float]:
    """Return the number of images and the mean Dice of several sets of images."""
    images = sum(count for count, _ in scores)
    return images, sum(count * mean for count, mean in scores) / images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--tree", type=Path, help="folder with DICOM files")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dice", nargs="+", type=Path, metavar="PATH", help="a network's JSON file, and PNG trees")
    arguments = parser.parse_args()
    times: dict[tuple[str, int], list[tuple[float, ...]]] = {row: [] for row in ROWS}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if arguments.tree is None:
            write_phantom(scratch / "tree", patients=1, seed=0)
        study = study_of(arguments.tree or scratch / "tree", arguments.frames, scratch / "study")
        for number in range(arguments.rounds):
            for row in ROWS:
                times[row].append(measure(study, scratch / f"out-{number}-{row[0]}-{row[1]}", *row))
                print(row, times[row][-1], flush=True)
        frames = len(list(study.iterdir()))
        load = os.getloadavg()[1]
    lines = [
        "# Speed of segment",
        "",
        f"`keras-lvseg segment` on {frames} frames, with masks, `study.json` and report, the bundled weights; medians "
        f"of {arguments.rounds} rounds in turn. Average load of the machine at the end: {load:.1f}. "
        "On a loaded machine only ratios count. The ratio is the median of the rounds' ratios to the last row. The "
        'environment has nothing but `pip install ".[openvino,onnx]"`: Keras loads JAX where it is installed, which '
        "takes time. Views are of [the part around the heart](../guides/export.md).",
        "",
        "| engine | views | imports apart, s | ratio | whole command, s | ratio | of all cores, s | ratio | peak, MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row, own in times.items():
        cells = []
        for column in (0, 1, 2):
            seconds = [measured[column] for measured in own]
            ratios = [measured[column] / base[column] for measured, base in zip(own, times[BASELINE], strict=True)]
            cells += [f"{statistics.median(seconds):.1f}", f"{statistics.median(ratios):.2f}"]
        cells.append(f"{statistics.median(measured[3] for measured in own):.0f}")
        lines.append(f"| {row[0]} | {row[1]} | {' | '.join(cells)} |")
    if arguments.dice:
        lines += dice_lines(arguments.dice[0], arguments.dice[1:])
    command = (
        "python -m benchmarks.speed.segment_speed docs/validation/segment_speed.md --tree STUDY --dice "
        "NETWORK VALIDATION ONLINE"
    )
    packages = ("keras", "tensorflow", "openvino", "onnxruntime", "numpy", "pydicom")
    write_table(arguments.table, lines, command, packages)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for the command's process
    main()
