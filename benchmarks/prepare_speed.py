"""Time `prepare`, from DICOM to arrays on disk, beside a plain loop of pydicom that keeps the arrays in memory.

    python benchmarks/prepare_speed.py docs/prepare_speed.md

Writes 21 synthetic patients first (5,040 files, 660 MB), which takes some minutes; `--tree DIR` keeps them there.
Rounds in turn, each into an empty cache, the start of the worker processes counted, all files in the system's memory.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from _table import write_table

from keras_lvseg.data.phantom import write_phantom
from keras_lvseg.data.prepare import prepare


def seconds(call: Callable[[], object]) -> float:
    os.sync()  # what the one before wrote is not to be paid for here
    # In a virtual machine memory is slow when it is first used, which would fall to whoever comes first.
    np.ones(3 * 2**27)
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak() -> float:
    """MiB that this process took at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def workers_peak() -> float:
    """MiB that the largest of this process's children took at most so far."""
    children = [child for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()]
    status = [line.split() for child in children for line in Path(f"/proc/{child}/status").read_text().splitlines()]
    return max((int(words[1]) / 1024 for words in status if words[0] == "VmHWM:"), default=0.0)


def measure(tree: Path, caches: Path, rounds: int) -> dict[str, float]:
    paths = sorted(tree.glob("dicoms/*/*.dcm"))
    for path in paths:
        path.read_bytes()
    os.environ["KERAS_LVSEG_CACHE"] = str(caches / "memory")
    before, samples = peak(), [0.0]
    prepare(tree, lambda done, due: samples.append(workers_peak()) if done % 100 == 0 else None)
    growth = peak() - before
    times: dict[str, list[float]] = {"prepare": [], "again": [], "loop": []}
    for round_ in range(rounds):
        os.environ["KERAS_LVSEG_CACHE"] = str(caches / str(round_))
        times["prepare"].append(seconds(lambda: prepare(tree)))
        times["again"].append(seconds(lambda: prepare(tree)))
        times["loop"].append(seconds(lambda: np.stack([pydicom.dcmread(path).pixel_array for path in paths])))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return {**medians, "files": len(paths), "growth": growth, "worker": max(samples)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--tree", type=Path, help="folder of the synthetic patients, written where it is not there")
    parser.add_argument("--patients", type=int, default=21)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        tree = arguments.tree or Path(scratch) / "tree"
        if not tree.exists():
            write_phantom(tree, arguments.patients, seed=0)
        found = measure(tree, Path(scratch) / "caches", arguments.rounds)
    lines = [
        "# Speed of prepare",
        "",
        f"{found['files']:,.0f} synthetic DICOM files of 256 x 256 pixels, from the files to arrays; medians of",
        f"{arguments.rounds} rounds in turn, in one process. The loop is `pydicom.dcmread(path).pixel_array`, stacked.",
        "`prepare` also hashes each file and writes each array to disk; the start of its workers is counted.",
        "Before each, the disk is synced and 3 GiB of memory are touched and freed, see the script.",
        "",
        "| | seconds | loop / this |",
        "| --- | --- | --- |",
        f"| plain pydicom loop | {found['loop']:.2f} | 1.0 |",
        f"| `prepare`, empty cache | {found['prepare']:.2f} | {found['loop'] / found['prepare']:.2f} |",
        f"| `prepare`, once more | {found['again']:.3f} | {found['loop'] / found['again']:.0f} |",
        "",
        f"`prepare` raises the process's peak memory by {found['growth']:.0f} MiB; its largest worker peaks at "
        f"{found['worker']:.0f} MiB.",
    ]
    write_table(arguments.table, lines, f"python benchmarks/prepare_speed.py {arguments.table}", ("numpy", "pydicom"))


if __name__ == "__main__":
    main()
