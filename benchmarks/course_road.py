"""Walk the course's road: run each example as a reader does, and note its score and its time.

    python benchmarks/course_road.py docs/course_road.md
    python benchmarks/course_road.py TABLE --data DIR

The examples share their synthetic hearts, patients of the test included, so that their scores may be compared.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import keras

from keras_lvseg.files import whole_file

EXAMPLES = Path(__file__).parent.parent / "examples"
STEPS = {
    "plot_1_fully_connected.py": "fully connected network",
    "plot_2_convolutions.py": "convolutions, one transpose convolution",
    "plot_3_dice_and_schedule.py": "the same, learning rate searched by Dice",
    "plot_4_unet.py": "U-Net, Dice in the loss, augmentation",
}


def walk(example: str, options: list[str]) -> tuple[str, float]:
    """Run one example; give its Dice and its seconds, imports and drawing included."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, str(EXAMPLES / example), "--figure", str(Path(scratch) / "figure.png"), *options]
        start = time.perf_counter()
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
    (dice,) = re.findall(r"Dice on patients not trained on: ([\d.]+)", output)
    return dice, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--data", type=Path, help="folder with DICOM and contours; synthetic hearts where left out")
    arguments = parser.parse_args()
    options = [] if arguments.data is None else ["--data", str(arguments.data)]
    rows = []
    for example, step in STEPS.items():
        dice, seconds = walk(example, options)
        rows.append(f"| {step} | {dice} | {seconds:.0f} | `examples/{example}` |")
    data = "synthetic hearts" if arguments.data is None else "DATA"
    lines = [
        "# The course's road, step by step",
        "",
        f"Each example as it stands, on the same {data}: mean Dice over the images of patients that were not trained",
        "on, on the images' own grid, and the seconds of the whole process.",
        "",
        "| step | Dice | seconds | script |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"Made on {time.strftime('%Y-%m-%d')} by `python benchmarks/course_road.py {arguments.table}"
        f"{'' if arguments.data is None else ' --data DATA'}` on {len(os.sched_getaffinity(0))} CPU cores, Python "
        f"{platform.python_version()}, keras {keras.__version__}, {keras.backend.backend()} "
        f"{version(keras.backend.backend())}.",
        "",
    ]
    with whole_file(arguments.table) as scratch:
        scratch.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
