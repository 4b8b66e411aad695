"""Plot of images per second of each pipeline, from the tables of the benchmarks.

    cd docs/validation
    python ../figures/feeding.py pipeline_speed.md augmentation_speed.md ../figures/feeding.png

The tables are of two runs, so compare bars of one colour only.
"""

import argparse
import re
from pathlib import Path

import matplotlib.pyplot as plt


def rows(table: Path) -> list[tuple[str, int]]:
    """Return names and images per second of a Markdown table."""
    lines = re.findall(r"^\| (.+?) \| ([\d,]+) \|", table.read_text(encoding="utf-8"), re.MULTILINE)
    return [(name.replace("`", ""), int(number.replace(",", ""))) for name, number in lines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pipeline", type=Path, help="the table of benchmarks/speed/pipeline_speed.py")
    parser.add_argument("augmentation", type=Path, help="the table of benchmarks/speed/augmentation_speed.py")
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    figure, axes = plt.subplots(figsize=(9, 3.4), layout="constrained")
    for table, colour, label in (
        (arguments.pipeline, "#3182bd", "as stored"),
        (arguments.augmentation, "#fd8d3c", "every kind of augmentation on every image"),
    ):
        drawn = [(name, speed) for name, speed in rows(table) if name != "tf.data, nothing changed"]
        bars = axes.barh([name for name, _ in drawn], [speed for _, speed in drawn], color=colour, label=label)
        axes.bar_label(bars, fmt="{:,.0f}", padding=4)
    axes.set(xscale="log", xlim=(50, 60_000), xlabel="images of 256 x 256 a second on two CPU cores")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.invert_yaxis()
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
