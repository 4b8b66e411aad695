"""Ablation of the recipe: one change at a time, two folds of held-out patients, two seeds each.

    python -m benchmarks.accuracy.recipe_ablation PNG RUNS docs/validation/recipe_ablation.md

PNG is the tree of the challenge's 15 training patients as PNG images. RUNS keeps the training runs, so an interrupted
script resumes. To fit two CPU cores, networks train on a smaller crop for fewer epochs than in the recipe. Compare rows
with each other, not with other tables.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy.runs import HEADINGS, Job, cells, run_jobs, summary
from benchmarks.table import write_table
from keras_lvseg.training import TrainingSettings, recipe_grid

BASE = replace(TrainingSettings(), epochs=16, crop=80, dtype="mixed_bfloat16")
GRID = recipe_grid("unet")
CHANGES = {
    "base": (BASE, GRID, {"as it is": (True, True), "one view at test": (False, True), "no clean-up": (True, False)}),
    "phantoms": (replace(BASE, phantoms=6), GRID, {"6 phantoms beside": (True, True)}),
    "ce": (replace(BASE, loss="ce"), GRID, {"cross-entropy alone": (True, True)}),
    "plain": (replace(BASE, augmentation="plain"), GRID, {"rotation, scale and noise only": (True, True)}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="tree of PNG images and labels")
    parser.add_argument("runs", type=Path, help="folder for the training runs")
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--folds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1))
    parser.add_argument("--at-once", type=int, default=2, help="parallel trainings, one core each")
    arguments = parser.parse_args()

    jobs = [
        Job(name, fold, replace(settings, seed=seed), grid, tests)
        for name, (settings, grid, tests) in CHANGES.items()
        for seed in arguments.seeds
        for fold in arguments.folds
    ]
    results = run_jobs(jobs, arguments.data, arguments.runs, arguments.at_once)
    rows = []
    for name, (_, _, tests) in CHANGES.items():
        for test in tests:
            found = [
                (job.settings.seed, r[test]["repaired"])
                for job, r in zip(jobs, results, strict=True)
                if job.name == name
            ]
            by_seed = [summary(c for s, own in found for c in own if s == seed) for seed in arguments.seeds]
            mean = {figure: sum(s[figure] for s in by_seed) / len(by_seed) for figure in by_seed[0]}
            spread = max(s["images"] for s in by_seed) - min(s["images"] for s in by_seed)
            rows.append([test, *cells(mean), f"{spread:.3f}"])

    lines = [
        "# What each part of the recipe is worth",
        "",
        f"Networks trained without the patients of a fold and tested on them: folds {arguments.folds} of 5, "
        f"seeds {arguments.seeds}, each figure the mean over seeds. Native grid, repaired labels, every labelled "
        f"image. {BASE.epochs} epochs on crops of {BASE.crop} pixels in place of the recipe's. With "
        "phantoms an epoch has half as many steps again; rotation, scale and noise alone shift nothing, so that "
        "training sees the middle of an image only.",
        "",
        f"| change | {' | '.join(HEADINGS)} | between seeds, images |",
        f"|{' --- |' * (len(HEADINGS) + 2)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    command = f"python -m benchmarks.accuracy.recipe_ablation PNG RUNS {arguments.table}"
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


if __name__ == "__main__":
    main()
