"""The command `keras-lvseg demo`: training and scoring on synthetic hearts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

_PATIENTS, _TEST_PATIENTS = 8, 2
_IMAGE_SIZE = (112, 112)
_SETTINGS: dict[str, Any] = {
    "epochs": 14,
    "filters": 8,
    "batch_size": 4,
    "learning_rate": 3e-3,
    "augmentation": "plain",
    "crop": _IMAGE_SIZE[0],
}


def demo(
    out: Annotated[Path, typer.Argument(help="Output folder, new or empty.")] = Path("keras-lvseg-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of hearts and training.")] = 0,
) -> None:
    """Write synthetic hearts, train a small U-Net for about a minute, and score it on held-out hearts."""
    from keras_lvseg.data import SAXDataset
    from keras_lvseg.files import require_empty
    from keras_lvseg.phantom import write_phantom
    from keras_lvseg.reporting import progress_bar, score_table, terminal_text, write_evaluation, write_html_report
    from keras_lvseg.training import TrainingSettings, evaluate_run, train

    console = Console()
    require_empty(out)
    start = time.perf_counter()
    with progress_bar(console) as progress:
        task = progress.add_task("writing hearts", total=_PATIENTS)
        hearts = write_phantom(
            out / "phantom",
            patients=_PATIENTS,
            seed=seed,
            frames="contoured",
            on_patient=lambda _: progress.advance(task),
        )
    names = [heart.patient_id for heart in hearts]
    splits = {"train": names[:-_TEST_PATIENTS], "test": names[-_TEST_PATIENTS:]}
    console.print(f"{_PATIENTS} synthetic hearts, {_TEST_PATIENTS} of them held out for the test")
    dataset = SAXDataset(out / "phantom", splits=splits, image_size=_IMAGE_SIZE)
    run = train(dataset, out / "run", settings=TrainingSettings(**_SETTINGS, seed=seed), console=console)
    evaluation = evaluate_run(run, out / "phantom")
    files = write_evaluation(evaluation, run.path / "evaluation")
    seconds = time.perf_counter() - start
    introduction = (
        f"A U-Net trained on {len(splits['train'])} synthetic hearts and scored on {_TEST_PATIENTS} held-out hearts. "
        f"Every labelled image is scored on its native grid. Writing, training and scoring took {seconds:.0f} s."
    )
    write_html_report(
        out / "report.html",
        evaluation.scores,
        title="keras-lvseg demo",
        introduction=introduction,
        images={
            "Held-out hearts, from the worst Dice to the best: image, label, prediction": files.contact_sheet,
            "Training": run.curves,
        },
    )
    console.print(score_table(evaluation.scores, "held-out hearts"))
    for line in (f"images in {files.contact_sheet}", f"report in {out / 'report.html'}"):
        console.print(terminal_text(line), soft_wrap=True)
