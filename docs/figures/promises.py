"""Every promise with a number beside what was measured, worst first: a table and a picture.

    python docs/figures/promises.py docs/validation/promises.md

The measured numbers are read from the tables of the other pages of the folder, so that nothing is written twice.
"""

import argparse
import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt


@dataclass(frozen=True)
class Promise:
    """A number that a table has to show.

    Attributes:
        text: What is promised.
        page: The page with the table, without ending.
        row: Beginning of the row, as in the Markdown file.
        column: Title of the column. Of several tables, the first one that has row and column counts.
            Of several columns, the last one.
        heading: Heading above the table, or nothing for the whole page.
        target: The promised number.
        unit: Unit of both numbers.
        perfect: The best number if larger is better. None if smaller is better and 0 is best.
    """

    text: str
    page: str
    row: str
    column: str
    target: float
    unit: str = ""
    heading: str = ""
    perfect: float | None = None

    def measured(self, folder: Path) -> float:
        """Return the number in the table."""
        page = (folder / f"{self.page}.md").read_text(encoding="utf-8")
        titles: list[str] = []
        for line in page[page.index(self.heading) :].splitlines():
            if not line.startswith("|"):
                titles = []
                continue
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            titles = titles or cells
            if line.startswith(f"| {self.row} |") and self.column in titles:
                cell = dict(zip(titles, cells, strict=True))[self.column]
                return float(re.findall(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?", cell)[0].replace(",", ""))
        raise SystemExit(f"{self.page}.md has no row {self.row!r} with a column {self.column!r}")

    def excess(self, measured: float) -> float:
        """Return the measured error over the promised one: at most 1 if the promise is kept."""
        if self.perfect is not None:
            return (self.perfect - measured) / (self.perfect - self.target)
        return measured / self.target if self.target else 1 + measured


PROMISES = (
    Promise("Dice over images, official split", "accuracy", "all", "Dice, images", 0.925, perfect=1),
    Promise("Dice over patients, official split", "accuracy", "all", "Dice, patients", 0.945, perfect=1),
    Promise("Dice over patients, hypertrophy", "accuracy", "HYP", "Dice, patients", 0.93, perfect=1),
    Promise("images under a Dice of 0.5", "accuracy", "all", "under 0.5", 1, "%"),
    Promise("good contours", "accuracy", "official split", "good contours", 98.5, "%", perfect=100),
    Promise("distance of good contours", "accuracy", "official split", "APD of good, mm", 1.45, "mm"),
    Promise("Dice over patients, gamma 2", "accuracy", "gamma 2", "Dice, patients", 0.9, perfect=1),
    Promise("Dice over patients, equalised", "accuracy", "equalised", "Dice, patients", 0.9, perfect=1),
    Promise("error of EDV, three whole studies", "consistency", "held out | together", "EDV, %", 8, "%"),
    Promise("error of ESV, three whole studies", "consistency", "held out | together", "ESV, %", 8, "%"),
    Promise("error of EF, three whole studies", "consistency", "held out | together", "EF, points", 3, "points"),
    Promise(
        "240 frames to masks and report, imports apart", "segment_speed", "openvino | 2", "imports apart, s", 5, "s"
    ),
    Promise("240 frames, the whole command", "segment_speed", "openvino | 2", "whole command, s", 8, "s"),
    Promise("peak memory of it", "segment_speed", "openvino | 2", "peak, MB", 1000, "MB"),
    *(
        Promise(
            f"training step over plain Keras, {backend}",
            "step_speed",
            f"keras-lvseg, {backend}",
            "times plain Keras, CPU",
            1.1,
            heading="## Training step",
        )
        for backend in ("TensorFlow", "JAX", "PyTorch")
    ),
    *(
        Promise(
            f"prediction over plain PyTorch, {engine}",
            "step_speed",
            f"keras-lvseg, {engine}",
            "times plain PyTorch, CPU",
            target,
            heading="## Prediction",
        )
        for engine, target in (("OpenVINO", 0.5), ("TensorFlow", 1))
    ),
    Promise(
        "best training step over plain PyTorch",
        "step_speed",
        "keras-lvseg, TensorFlow",
        "times plain PyTorch, CPU",
        1.2,
        heading="## Training step",
    ),
    Promise(
        "Dice against exact fractions",
        "agreement",
        "Dice: an exact fraction of Python's integers",
        "largest difference",
        1e-6,
    ),
    Promise("damaged file: anything but one line", "fuzzing", "all", "failed", 0),
    Promise("growth of memory per study", "long_runs", "growth from there on", "", 100, "KB"),
    Promise("studies lost by one SIGKILL", "long_runs", "most studies lost by one", "", 1),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write, beside the other pages")
    arguments = parser.parse_args()
    found = [(promise, promise.measured(arguments.table.parent)) for promise in PROMISES]
    found.sort(key=lambda pair: -pair[0].excess(pair[1]))
    rows = []
    for promise, measured in found:
        excess = promise.excess(measured)
        error = " the error" if promise.perfect is not None else ""
        verdict = "kept" if excess <= 1 else f"**missed**, {excess:.2f} times{error}"
        limit = "at least" if promise.perfect is not None else "at most"
        rows.append(
            f"| [{promise.text}]({promise.page}.md) | {limit} {promise.target:g} {promise.unit}".rstrip()
            + f" | {measured:g} {promise.unit}".rstrip()
            + f" | {verdict} |"
        )
    kept = sum(promise.excess(measured) <= 1 for promise, measured in found)
    lines = [
        "# Promises",
        "",
        f"{len(found)} promises have a number; {kept} are kept. Worst first:",
        "",
        f"![Each promise, measured over promised]({arguments.table.stem}.png)",
        "",
        "| promise | promised | measured | verdict |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"Made by `python docs/figures/promises.py docs/validation/{arguments.table.name}` from the linked tables.",
    ]
    arguments.table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _draw(
        [(promise.text, promise.excess(measured)) for promise, measured in found], arguments.table.with_suffix(".png")
    )


def _draw(excesses: list[tuple[str, float]], path: Path) -> None:
    """Draw how many times the promised error each measured one is."""
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(excesses) + 0.8), layout="constrained", facecolor="white")
    least = 0.02
    for row, (_, excess) in enumerate(excesses):
        colour = "#2b8a3e" if excess <= 1 else "#c92a2a"
        axes.plot([1, max(excess, least)], [row, row], color=colour, linewidth=2)
        axes.plot(max(excess, least), row, "o", color=colour)
    axes.axvline(1, color="0.4", linewidth=1)
    axes.set(xscale="log", yticks=range(len(excesses)), xlabel="measured over promised: left of 1 the promise is kept")
    axes.set_yticklabels([text for text, _ in excesses])
    axes.set_xticks([0.02, 0.1, 0.5, 1, 2, 4], ["0.02", "0.1", "0.5", "1", "2", "4"])
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
