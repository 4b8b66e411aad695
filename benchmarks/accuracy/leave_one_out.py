"""Leave-one-out: training on all patients but one, and a table and contact sheet of the held-out patients.

    python -m benchmarks.accuracy.leave_one_out DATA docs/validation/leave_one_out.md

Trains by the recipe, as `keras-lvseg train` does by default, and scores every labelled image on its own grid.
"""

import argparse
import tempfile
import time
from pathlib import Path

import keras
from rich.console import Console

from benchmarks.table import write_table
from keras_lvseg.data import SAXDataset, patient_folds
from keras_lvseg.reporting import score_table, write_contact_sheet
from keras_lvseg.training import TrainingSettings, evaluate_run, recipe_grid, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with DICOM and contours")
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--runs", type=Path, help="keep the run folders here")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    runs = arguments.runs or Path(tempfile.mkdtemp())
    console = Console()
    settings = TrainingSettings(seed=arguments.seed)

    patients = SAXDataset(arguments.data).patients
    rows, means, tests = [], [], []
    for fold in patient_folds(patients, folds=len(patients)):
        (tested,) = fold["test"]
        start = time.perf_counter()
        dataset = SAXDataset(arguments.data, splits=fold, **recipe_grid(settings.model))
        run = train(dataset, runs / tested, settings=settings, console=console)
        minutes = (time.perf_counter() - start) / 60
        evaluation = evaluate_run(run, arguments.data)
        tests.append(evaluation)
        console.print(score_table(evaluation.scores, f"trained on {', '.join(fold['train'])}"))
        dices = [image.dice for image in evaluation.scores.images]
        (score,) = evaluation.scores.patients
        under = sum(dice < 0.5 for dice in dices)
        means.append(score.mean_dice)
        cells = (tested, score.images, f"{score.mean_dice:.3f}", f"{min(dices):.3f}", under)
        rows.append((*cells, f"{score.pooled_dice:.3f}", f"{minutes:.1f}"))
    rows.sort()

    picture = arguments.table.with_suffix(".png")
    shown = [
        (frame, label, mask, image.dice)
        for e in tests
        for frame, label, mask, image in zip(e.frames, e.labels, e.masks, e.scores.images, strict=True)
    ]
    frames, labels, masks, dices = zip(*shown, strict=True)
    write_contact_sheet(picture, frames, labels=labels, masks=masks, dices=dices)

    headings = (
        "test patient",
        "images",
        "mean Dice of images",
        "worst image",
        "images under 0.5",
        "Dice of all pixels",
    )
    lines = [
        "# Trained on all patients but one, tested on that one",
        "",
        f"Mean over the {len(rows)} patients of the Dice over images: **{sum(means) / len(means):.3f}**. Every "
        "labelled image counts, on its own grid; the network is the last epoch's.",
        "",
        f"| {' | '.join((*headings, 'training, minutes'))} |",
        f"|{' --- |' * (len(headings) + 1)}",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
        "",
        f"![image, label and prediction of test images, from the worst Dice to the best]({picture.name})",
        "",
        f"Backend {keras.backend.backend()}, settings `{settings}`.",
    ]
    command = f"python -m benchmarks.accuracy.leave_one_out DATA {arguments.table} --seed {arguments.seed}"
    write_table(arguments.table, lines, command, ("keras-lvseg", "keras", "tensorflow", "numpy"))


if __name__ == "__main__":
    main()
