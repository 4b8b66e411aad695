"""Time and memory of `keras-lvseg segment` against the number of frames, the size of images, and the number of studies.

    python -m benchmarks.speed.scaling docs/validation/scaling.md

The studies are synthetic. Each row is a process of its own; the rows take turns. Needs the extra `openvino`.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
import pydicom

from benchmarks.speed.segment_speed import measure, study_of
from benchmarks.table import write_table
from keras_lvseg.phantom import write_phantom

FRAMES, SIZES, STUDIES = (60, 120, 240), (128, 256, 512), (1, 4, 16)
_WITHIN = 120  # frames of a study whose images change in size


def resized(study: Path, size: int, folder: Path) -> Path:
    """Write a study of images of 256 x 256 pixels with images of another size and the same field of view."""
    folder.mkdir()
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        pixels, factor = dataset.pixel_array, size / dataset.Rows
        step, times = max(round(1 / factor), 1), max(round(factor), 1)
        pixels = np.kron(pixels[::step, ::step], np.ones((times, times), pixels.dtype))
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.PixelSpacing = [spacing / factor for spacing in dataset.PixelSpacing]
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(folder / path.name)
    return folder


def inputs(scratch: Path, frames: tuple[int, ...], sizes: tuple[int, ...], studies: tuple[int, ...]) -> dict:
    """Write the studies, and return their folders by what changes and its value."""
    tree = scratch / "tree"
    write_phantom(tree, patients=1, seed=0)
    found: dict[tuple[str, int], Path] = {}
    for count in frames:
        found["frames", count] = study_of(tree, count, scratch / f"frames-{count}")
    whole = study_of(tree, _WITHIN, scratch / "whole")
    for size in sizes:
        found["pixels a side", size] = resized(whole, size, scratch / f"size-{size}")
    for count in studies:
        write_phantom(scratch / f"studies-{count}", patients=count, seed=1, frames="contoured")
        found["studies", count] = scratch / f"studies-{count}"
    return found


def table(times: dict[tuple[str, int], list[tuple[float, ...]]]) -> list[str]:
    """Return the page as lines of Markdown."""
    rounds = len(next(iter(times.values())))
    lines = [
        "# Time and memory of segment",
        "",
        "`keras-lvseg segment` with OpenVINO, masks and report. Seconds from files to the last report, imports apart,",
        f"and the largest memory of the process; medians of {rounds} rounds in turn. The frames are of one synthetic",
        f"study. The images change in size in {_WITHIN} frames of it. The studies have the frames with contours only,",
        "about 20 each.",
    ]
    for title in dict.fromkeys(title for title, _ in times):
        lines += ["", f"| {title} | seconds | peak, MB |", "| --- | --- | --- |"]
        for (own, value), measured in times.items():
            if own == title:
                seconds, peak = (statistics.median(each[column] for each in measured) for column in (0, 3))
                lines.append(f"| {value} | {seconds:.1f} | {peak:.0f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = inputs(scratch, FRAMES, SIZES, STUDIES)
        times: dict[tuple[str, int], list[tuple[float, ...]]] = {row: [] for row in found}
        for number in range(arguments.rounds):
            for row, study in found.items():
                out = scratch / f"out-{number}-{'-'.join(map(str, row))}"
                times[row].append(measure(study, out, "openvino", 2))
    packages = ("keras", "openvino", "numpy", "pydicom")
    write_table(arguments.table, table(times), f"python -m benchmarks.speed.scaling {arguments.table}", packages)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for the command's process
    main()
