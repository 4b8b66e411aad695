"""The whole path on synthetic hearts: write them, train, score, leave a picture and a report."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from keras_lvseg.data import SAXDataset
from keras_lvseg.evaluation import Evaluation
from keras_lvseg.files import require_empty
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting.evaluation_files import write_evaluation
from keras_lvseg.reporting.html_report import write_page
from keras_lvseg.reporting.progress_bar import progress_bar
from keras_lvseg.reporting.score_tables import score_table
from keras_lvseg.training.evaluate_run import evaluate_run
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg.training.train import train

_HEARTS, _TEST = 8, 2
_IMAGE_SIZE = (112, 112)
_SETTINGS = TrainingSettings(
    epochs=14, filters=8, batch_size=4, learning_rate=3e-3, augmentation="plain", crop=_IMAGE_SIZE[0]
)


def run_demo(folder: str | os.PathLike[str], seed: int = 0, console: Console | None = None) -> Evaluation:
    """Train a small U-Net for about a minute on two CPU cores and score it on hearts that it never saw.

    Args:
        folder: A new or an empty folder: `phantom/`, `run/` and `report.html` are left in it.
        seed: Decides hearts and training.
        console: Where progress and scores are printed; None prints to the terminal.

    Returns:
        The evaluation.

    Raises:
        DataError: The folder is there and holds something.
    """
    folder, console = Path(folder), console or Console()
    require_empty(folder)
    start = time.perf_counter()
    with progress_bar(console) as progress:
        task = progress.add_task("writing hearts", total=_HEARTS)
        hearts = write_phantom(
            folder / "phantom", _HEARTS, seed, frames="contoured", on_patient=lambda _: progress.advance(task)
        )
    names = [heart.patient_id for heart in hearts]
    splits = {"train": names[:-_TEST], "test": names[-_TEST:]}
    console.print(f"{_HEARTS} synthetic hearts, {_TEST} of them kept for the test")
    dataset = SAXDataset(folder / "phantom", splits=splits, image_size=_IMAGE_SIZE)
    run = train(dataset, folder / "run", replace(_SETTINGS, seed=seed), console)
    evaluation = evaluate_run(run, folder / "phantom")
    files = write_evaluation(evaluation, run.path / "evaluation")
    seconds = time.perf_counter() - start
    introduction = (
        f"A U-Net trained on {len(splits['train'])} synthetic hearts, scored on {_TEST} that it never saw, every "
        f"labelled image on its own grid. Hearts, training and scoring took {seconds:.0f} s."
    )
    pictures = {
        "Test hearts, from the worst Dice to the best: image, label, prediction": files.contact_sheet,
        "Training": run.curves,
    }
    write_page(folder / "report.html", "keras-lvseg demo", introduction, evaluation.scores, pictures)
    console.print(score_table(evaluation.scores, "hearts that it never saw"))
    console.print(f"picture in {files.contact_sheet}\nreport in {folder / 'report.html'}", soft_wrap=True)
    return evaluation
