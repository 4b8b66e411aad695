"""The command `keras-lvseg demo`: the bundled network and a training, both on synthetic hearts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from keras_lvseg.reporting import ReportSection

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
    """Segment a synthetic study with the bundled weights, train a small U-Net, and report both on one page."""
    from keras_lvseg.files import require_empty
    from keras_lvseg.reporting import terminal_text, write_html_report

    console = Console()
    require_empty(out)
    start = time.perf_counter()
    sections = [_segment_study(out, seed, console), _train_network(out, seed, console)]
    report = out / "report.html"
    write_html_report(
        report,
        title="keras-lvseg demo",
        introduction=(
            "All hearts on this page are synthetic. They show that the installation works. They do not show how good a "
            "network is on patients. This is software for research, not a medical device. "
            f"The demo took {time.perf_counter() - start:.0f} s."
        ),
        sections=sections,
    )
    console.print(terminal_text(f"report in {report}"), soft_wrap=True)


def _segment_study(out: Path, seed: int, console: Console) -> ReportSection:
    """Segment all slices and phases of a heart with the bundled weights, and compare with the true volumes."""
    import numpy as np

    from keras_lvseg import SAXDataset, Segmenter
    from keras_lvseg.data import draw_label
    from keras_lvseg.evaluation import score_masks
    from keras_lvseg.geometry import stack_volume
    from keras_lvseg.models import pretrained_info
    from keras_lvseg.phantom import write_phantom
    from keras_lvseg.reporting import ReportSection, progress_bar, segmentation_table, write_contact_sheet

    (heart,) = write_phantom(out / "study", patients=1, seed=seed)
    segmenter = Segmenter()
    with progress_bar(console) as progress:
        task = progress.add_task("segmenting a study", total=heart.slices * heart.phases)
        segmentation = segmenter.segment(
            out / "study", on_progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
        (study,) = segmentation
    results = study.write(out / "segmentation")
    console.print(segmentation_table([study.as_dict()], width=console.width))
    frames = SAXDataset(out / "study").labelled_frames("all")
    labels = [draw_label(frame, "endocardium", segmenter.settings["contour_origin"]) for frame in frames]
    cavities = {frame.path: mask == 1 for frame, mask in zip(study.study.frames, study.masks, strict=True)}
    masks = [cavities[frame.path].astype(np.uint8) for frame in frames]
    scores = score_masks(frames, labels=labels, masks=masks)
    contact_sheet = results / "contact_sheet.png"
    dices = [image.dice for image in scores.images]
    write_contact_sheet(contact_sheet, frames, labels=labels, masks=masks, dices=dices, count=8)

    def contoured_volume(phase: int) -> float:
        own = [(frame, mask) for frame, mask in zip(frames, masks, strict=True) if frame.phase == phase]
        areas = [np.count_nonzero(mask) * frame.pixel_area for frame, mask in own]
        return stack_volume(areas, heart.slice_spacing)

    whole = (study.volumes.ed.volume_ml, study.volumes.es.volume_ml) if study.volumes.ed and study.volumes.es else None
    contoured = (contoured_volume(heart.ed_phase), contoured_volume(heart.es_phase))
    return ReportSection(
        "A study segmented with the bundled weights",
        f"One heart, {heart.slices} slices in {heart.phases} phases. The {len(dices)} images with a contour have a "
        f"mean Dice of {scores.mean_dice:.3f}. The contours end below the valves. Above them the network may take the "
        "atrium or the outflow tract for the cavity, which adds to the volumes of all slices. The network was trained "
        f"on {pretrained_info('sax-lv').training['summary']}. Hearts of this kind are not new to it.",
        [
            ("", "true", "segmented"),
            *_volume_rows("all slices", (heart.edv_ml, heart.esv_ml), whole),
            *_volume_rows("slices with a contour", (heart.slab_edv_ml, heart.slab_esv_ml), contoured),
        ],
        {"From the worst Dice to the best: image, true contour (green), mask (red)": contact_sheet},
    )


def _volume_rows(
    slices: str, true: tuple[float, float], segmented: tuple[float, float] | None
) -> Iterator[tuple[str, ...]]:
    """Yield rows of EDV, ESV and EF."""
    from keras_lvseg.geometry import ejection_fraction

    columns = [(*pair, ejection_fraction(*pair)) if pair else None for pair in (true, segmented)]
    for i, name in enumerate(("EDV, mL", "ESV, mL", "EF, %")):
        yield f"{name}, {slices}", *(f"{column[i]:.0f}" if column else "unknown" for column in columns)


def _train_network(out: Path, seed: int, console: Console) -> ReportSection:
    """Train a small U-Net and score it on held-out hearts."""
    from keras_lvseg.data import SAXDataset
    from keras_lvseg.phantom import write_phantom
    from keras_lvseg.reporting import ReportSection, score_rows, score_table, write_evaluation
    from keras_lvseg.training import TrainingSettings, evaluate_run, train

    hearts = write_phantom(out / "cohort", patients=_PATIENTS, seed=seed, frames="contoured")
    names = [heart.patient_id for heart in hearts]
    splits = {"train": names[:-_TEST_PATIENTS], "test": names[-_TEST_PATIENTS:]}
    dataset = SAXDataset(out / "cohort", splits=splits, image_size=_IMAGE_SIZE)
    run = train(dataset, out / "run", settings=TrainingSettings(**_SETTINGS, seed=seed), console=console)
    evaluation = evaluate_run(run, out / "cohort")
    files = write_evaluation(evaluation, run.path / "evaluation")
    console.print(score_table(evaluation.scores, "held-out hearts"))
    return ReportSection(
        "A small U-Net trained here",
        f"Trained on {len(splits['train'])} hearts and scored on {_TEST_PATIENTS} held-out hearts. Every image with a "
        "contour is scored on its native grid.",
        score_rows(evaluation.scores),
        {
            "Held-out hearts: image, label (green), prediction (red)": files.contact_sheet,
            "Loss and Dice by epoch": run.curves,
        },
    )
