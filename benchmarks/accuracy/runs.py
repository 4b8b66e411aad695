"""Folds by patient, and parallel training runs with one CPU core each, for the scripts that train."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from keras_lvseg.data import SAXDataset
from keras_lvseg.training import TrainingSettings

FOLDS = 5


@dataclasses.dataclass(frozen=True)
class Job:
    """A network to train without the patients of one fold and to score on them.

    Attributes:
        name: What the network is called.
        fold: Index of the fold.
        settings: How it is trained.
        grid: What it sees, as keywords of `SAXDataset`.
        tests: Values of flip_tta and postprocess to score it with, by name.
    """

    name: str
    fold: int
    settings: TrainingSettings
    grid: dict
    tests: dict[str, tuple[bool, bool]]

    def folder(self, runs: Path) -> Path:
        """Return the run folder."""
        return runs / f"{self.name}-fold{self.fold}-seed{self.settings.seed}"


def by_group(data: Path) -> list[tuple[str, ...]]:
    """Split the challenge's patients into folds, each group (part of the name) spread over the folds."""
    patients = sorted(SAXDataset(data).patients, key=lambda p: (p.original_id.rsplit("-", 1)[0], p.patient_id))
    names = [patient.patient_id for patient in patients]
    return [tuple(names[fold::FOLDS]) for fold in range(FOLDS)]


def run_jobs(jobs: Sequence[Job], data: Path, runs: Path, at_once: int) -> list[dict]:
    """Train and score the jobs that have no scores yet; an interrupted script resumes.

    Returns:
        For each job its scores: by test, label ("repaired", "given") and then a list of images.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda job: _run_apart(job, data, runs), jobs))
    return [json.loads((job.folder(runs) / "scores.json").read_text()) for job in jobs]


def _run_apart(job: Job, data: Path, runs: Path) -> None:
    if (job.folder(runs) / "scores.json").is_file():
        return
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    arguments = [str(data), str(runs), json.dumps(dataclasses.asdict(job))]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy.runs", *arguments], check=True, env={**os.environ, **one_thread}
    )


def _work(job: Job, data: Path, runs: Path) -> None:
    from keras_lvseg.inference import TrainedNetwork, predict_masks
    from keras_lvseg.training import train

    folds = by_group(data)
    others = [name for fold in folds if fold is not folds[job.fold] for name in fold]
    splits = {"train": others, "test": folds[job.fold]}
    dataset = SAXDataset(data, splits=splits, labels_include_outline=True, **job.grid)
    run = train(dataset, job.folder(runs), settings=job.settings, resume=True)
    model = TrainedNetwork.from_run(run).model
    frames = dataset.labelled_frames("test")
    as_given = [dataclasses.replace(frame, labels_include_outline=False) for frame in frames]
    scores: dict = {}
    for name, (flip_tta, postprocess) in job.tests.items():
        masks = list(
            predict_masks(
                model, frames, preprocessing=dataset.preprocessing, flip_tta=flip_tta, postprocess=postprocess
            )
        )
        scores[name] = {"repaired": _scores(frames, masks), "given": _scores(as_given, masks)}
    (run.path / "scores.json").write_text(json.dumps(scores))


def _scores(frames: Iterable, masks: Iterable) -> list[dict]:
    from keras_lvseg.evaluation import score_contour
    from keras_lvseg.studies import read_frame_contour

    rows = []
    for frame, mask in zip(frames, masks, strict=True):
        place = {"patient_id": frame.patient_id, "slice": frame.slice, "phase": frame.phase}
        score = score_contour(
            mask == 1, read_frame_contour(frame, "endocardium"), pixel_spacing=frame.pixel_spacing, **place
        )
        rows.append(dataclasses.asdict(score) | {"apd_mm": None if score.missing else score.apd_mm})
    return rows


def summary(contours: Iterable[dict]) -> dict[str, float]:
    """Return the figures over the images of several folds.

    Returns:
        images (mean Dice), patients (mean 3-D Dice), worst (patient), under (percent of images under 0.5), good
        (percent of contours), apd (mm, mean over patients' good ones), good_dice (likewise).
    """
    import numpy as np

    from keras_lvseg.evaluation import ContourScore, challenge_score

    score = challenge_score(
        ContourScore(**{**contour, "apd_mm": np.inf if contour["apd_mm"] is None else contour["apd_mm"]})
        for contour in contours
    )
    dices = np.array([contour.dice for contour in score.contours])
    return {
        "images": float(dices.mean()),
        "patients": score.overall["dice_3d"].mean,
        "worst": min(patient.dice_3d for patient in score.patients),
        "under": float(100 * (dices < 0.5).mean()),
        "good": score.overall["good_percent"].mean,
        "apd": score.overall["good_apd_mm"].mean,
        "good_dice": score.overall["good_dice"].mean,
    }


HEADINGS = (
    "Dice, images",
    "Dice, patients (3-D)",
    "worst patient",
    "images under 0.5",
    "good contours",
    "APD of good, mm",
    "Dice of good",
)


def cells(figures: dict[str, float]) -> list[str]:
    """Return a summary as cells under `HEADINGS`."""
    f = figures
    dices = [f"{f['images']:.3f}", f"{f['patients']:.3f}", f"{f['worst']:.3f}"]
    return [*dices, f"{f['under']:.1f} %", f"{f['good']:.1f} %", f"{f['apd']:.2f}", f"{f['good_dice']:.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="One job, started by `run_jobs`.")
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("job", type=json.loads)
    arguments = parser.parse_args()
    job = arguments.job
    _work(Job(**{**job, "settings": TrainingSettings(**job["settings"])}), arguments.data, arguments.runs)


if __name__ == "__main__":
    main()
