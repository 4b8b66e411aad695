"""Five folds of the challenge's 15 training patients: the recipe, a plain U-Net, and the course's own network.

    python -m benchmarks.accuracy.cross_validation PNG RUNS docs/validation/cross_validation.md

PNG is the tree of PNG images. RUNS keeps the training runs, so an interrupted script resumes.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy.runs import FOLDS, HEADINGS, Job, by_group, cells, run_jobs, summary
from benchmarks.table import write_table
from keras_lvseg.training import TrainingSettings, recipe_grid

AT_TEST = {"recipe": (True, True)}
BARE = {"bare": (False, False)}
RECIPE = replace(TrainingSettings(), dtype="mixed_bfloat16")
PLAIN = replace(RECIPE, loss="ce", augmentation="plain", decay_rate=1.0, decay_steps=1, epochs=30)
COURSE = replace(PLAIN, model="fcn", augmentation="none", batch_size=1, epochs=10)
NETWORKS = {
    "recipe": (RECIPE, recipe_grid("unet"), AT_TEST),
    "plain": (PLAIN, {"image_size": (112, 112)}, BARE),
    # PNG images hold 0 to 255. The course's files hold 0 to about 1,000, and the course multiplies them by 1/1024.
    "course": (COURSE, {"image_size": (256, 256), "intensity": "course"}, BARE),
}
TITLES = {
    "recipe": "the recipe",
    "plain": "plain U-Net",
    "course": "the course's network",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="tree of PNG images and labels")
    parser.add_argument("runs", type=Path, help="folder for the training runs")
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=tuple(NETWORKS))
    parser.add_argument("--at-once", type=int, default=2, help="parallel trainings, one core each")
    arguments = parser.parse_args()

    jobs = [Job(name, fold, *NETWORKS[name]) for name in arguments.networks for fold in range(FOLDS)]
    results = run_jobs(jobs, arguments.data, arguments.runs, arguments.at_once)
    rows = {"repaired": [], "given": []}
    for label, own in rows.items():
        for name in arguments.networks:
            scores = [
                c
                for job, r in zip(jobs, results, strict=True)
                if job.name == name
                for t in r.values()
                for c in t[label]
            ]
            own.append(f"| {TITLES[name]} | {' | '.join(cells(summary(scores)))} |")
    head = [f"| network | {' | '.join(HEADINGS)} |", f"|{' --- |' * (len(HEADINGS) + 1)}"]
    folds = "; ".join(", ".join(fold) for fold in by_group(arguments.data))
    lines = [
        "# Five folds",
        "",
        "Each patient was segmented by a network that never saw the patient. Every labelled image counts, on its own",
        "grid.",
        "",
        "- The recipe: what `keras-lvseg train` does by default, on repaired labels.",
        f"- Plain U-Net: 16 filters, depth 4, cross-entropy, Adam at {PLAIN.learning_rate:g} throughout, rotation, "
        f"scale and noise, {PLAIN.epochs} epochs; trained on the middle 96 x 96 of 112 x 112 native "
        "pixels, tested on these; no mirror images, no clean-up.",
        f"- The course's network: `fcn`, cross-entropy, Adam at {COURSE.learning_rate:g}, batches of one image, "
        f"{COURSE.epochs} epochs, nothing changed at random; the whole image, times 1/1024.",
        "",
        "All three are trained on repaired labels, in bfloat16, one CPU core each. Figures of good contours and of",
        "patients are means over patients; good is an average perpendicular distance (APD) under 5 mm.",
        "",
        f"The folds, {FOLDS} of three patients, every group of the challenge spread over them: {folds}.",
        "",
        "## Against repaired labels",
        "",
        *head,
        *rows["repaired"],
        "",
        "## Against the labels as they are",
        "",
        *head,
        *rows["given"],
    ]
    command = f"python -m benchmarks.accuracy.cross_validation PNG RUNS {arguments.table}"
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


if __name__ == "__main__":
    main()
