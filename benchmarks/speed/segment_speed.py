"""Speed of `Segmenter` with the bundled weights, from DICOM files to masks, and of `keras-lvseg segment`.

    python -m benchmarks.speed.segment_speed docs/validation/segment_speed.md

Writes two synthetic patients first, which takes half a minute; `--tree DIR` takes DICOM files from there instead.
Medians of rounds in turn, in one process whose network has run before; all files in the system's memory.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras

from benchmarks.table import write_table
from keras_lvseg import Segmenter
from keras_lvseg.phantom import write_phantom

_OUTPUTS = ("masks", "contours", "overlays")


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def study_of(tree: Path, frames: int, folder: Path) -> list[Path]:
    """Copy a tree's first frames into one folder, numbered."""
    paths = sorted(tree.rglob("*.dcm"), key=lambda path: (path.parent, len(path.name), path.name))[:frames]
    folder.mkdir()
    return [Path(shutil.copy(path, folder / f"{number}.dcm")) for number, path in enumerate(paths, 1)]


def command(study: Path, out: Path) -> None:
    """Run the command in a new process."""
    outputs = ",".join(_OUTPUTS)
    arguments = ["segment", study, out, "--write", outputs]
    subprocess.run([sys.executable, "-m", "keras_lvseg_cli", *arguments], check=True, capture_output=True)


def write(segmenter: Segmenter, study: Path, out: Path) -> None:
    for result in segmenter.segment(study):
        result.write(out, outputs=_OUTPUTS)


def measure(images: list[Path], scratch: Path, rounds: int) -> dict[str, float]:
    segmenter = Segmenter()
    study, times = images[0].parent, {name: [] for name in ("slice", "study", "written", "command")}
    for path in (study, images[0]):
        list(segmenter.segment(path))
    for number in range(rounds):
        times["slice"].append(
            statistics.median(seconds(lambda path=path: list(segmenter.segment(path))) for path in images[:20])
        )
        times["study"].append(seconds(lambda: list(segmenter.segment(study))))
        out = scratch / f"written-{number}"
        times["written"].append(seconds(lambda out=out: write(segmenter, study, out)))
        times["command"].append(seconds(lambda number=number: command(study, scratch / f"command-{number}")))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--tree", type=Path, help="folder with DICOM files")
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if arguments.tree is None:
            write_phantom(scratch / "tree", patients=2, seed=0)
        images = study_of(arguments.tree or scratch / "tree", arguments.frames, scratch / "study")
        found = measure(images, scratch, arguments.rounds)
    lines = [
        "# Speed of segment",
        "",
        f"The bundled weights on {keras.backend.backend()}, mirrored and cleaned up as they are by default; "
        f"medians of {arguments.rounds} rounds in turn.",
        "The first three lines are of a process in which the network has run before, the last one of a new process.",
        "",
        "| | seconds |",
        "| --- | --- |",
        f"| one slice, file to mask | {found['slice']:.3f} |",
        f"| {len(images)} frames, files to masks | {found['study']:.1f} |",
        f"| {len(images)} frames, with masks, contours, pictures and JSON written | {found['written']:.1f} |",
        f"| the same as the command `keras-lvseg segment`, imports counted | {found['command']:.1f} |",
    ]
    packages = ("keras", "tensorflow", "numpy", "pydicom", "pillow")
    write_table(arguments.table, lines, f"python -m benchmarks.speed.segment_speed {arguments.table}", packages)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for the command's process
    main()
