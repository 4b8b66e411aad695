"""Scores of the masks that `campaign.py predict` wrote, on the native grids of the frames.

    python -m tools.campaign_scores DATA OUT/ablation.npz
    python -m tools.campaign_scores DATA OUT/strangers-official-0-ema.json

DATA is the folder of the trees that `campaign.py prepare` read. A network's JSON file is scored on the patients that it
was not trained on, with their masks as `segment` decides them.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import draw_label
from keras_lvseg.evaluation import ChallengeScore, challenge_score, score_contour
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference import TrainedNetwork
from keras_lvseg.inference.consistency.study_foregrounds import Prepared, decide_study, study_foregrounds
from keras_lvseg.studies import Patient, read_frame_contour, read_image
from keras_lvseg.studies.frame import Frame
from tools.campaign import PARTS
from tools.campaign_plans import VARIANTS


@dataclass(frozen=True)
class Mask:
    """A predicted mask.

    Attributes:
        recipe: Name of the recipe.
        part: Fold, or "failing", or another name.
        which: "ema" or "last".
        variant: Change of the picture.
        index: Index of the frame in the packed data.
        confidence: Mean probability of the cavity within the mask; 0 without a mask.
        classes: Class numbers, uint8 of the frame's shape.
    """

    recipe: str
    part: str
    which: str
    variant: str
    index: int
    confidence: float
    classes: np.ndarray


def read_masks(path: Path) -> Iterator[Mask]:
    """Yield the masks of a result file."""
    with np.load(path) as archive:
        index = json.loads(zlib.decompress(archive["index"].tobytes()))
        blob = archive["masks"].tobytes()
    begin = 0
    for (name, which, variant, frame), size, confidence in zip(
        index["places"], index["sizes"], index["confidence"], strict=True
    ):
        pixels = np.frombuffer(zlib.decompress(blob[begin : begin + size]), np.uint8)
        begin += size
        side = round(len(pixels) ** 0.5)  # all frames of these patients are square
        yield Mask(*name.rsplit("/", 1), which, variant, frame, confidence, pixels.reshape(side, side))


def segmented_masks(network: TrainedNetwork, truth: Truth, variant: str) -> Iterator[Mask]:
    """Yield the masks of a network, of changed pictures of patients that it never saw, as `segment` decides them."""

    def changed(frame: Frame) -> Prepared:
        pixels, spacing = VARIANTS[variant](read_image(frame).astype(np.float32), frame.pixel_spacing)
        own = network.preprocessing.image(pixels, network.grid(pixels, tuple(spacing)))
        return frame, own, network.preprocessing.grid(frame)

    places = {frame.key: index for index, frame in enumerate(truth.frames)}
    for patient in truth.patients:
        if patient.patient_id in network.info.training["patients"]:
            continue
        heart = decide_study(study_foregrounds(network, patient.frames, [[changed(frame) for frame in patient.frames]]))
        for frame, mask, certainty in zip(patient.frames, heart.masks, heart.certainties, strict=True):
            if frame.key in places:
                yield Mask(
                    Path(network.weights).stem, "as segment", "", variant, places[frame.key], certainty or 0.0, mask
                )


class Truth:
    """Labelled frames of the challenge in the order of the packed data, with their labels."""

    def __init__(self, data: Path):
        options: dict[str, Any] = {"target": "myocardium", "partial": True, "labels_include_outline": True}
        datasets = [SAXDataset(data / part, **options) for part in PARTS]
        self.frames: list[Frame] = [frame for dataset in datasets for frame in dataset.labelled_frames("all")]
        self.patients: list[Patient] = [patient for dataset in datasets for patient in dataset.patients]
        self.phases = {p.patient_id: (p.ed_phase, p.es_phase) for p in self.patients}

    @cache  # noqa: B019 - one object in a script
    def label(self, index: int) -> np.ndarray:
        """Return class numbers: 0, 1 cavity, 2 myocardium, 3 background or myocardium."""
        return draw_label(self.frames[index], "myocardium", CONTOUR_ORIGIN, partial=True)

    def group(self, index: int) -> str:
        """Return the patient's group."""
        return self.frames[index].original_id.rsplit("-", 1)[0].removeprefix("SC-")

    def phase(self, index: int) -> str:
        """Return "ED" or "ES"."""
        frame = self.frames[index]
        return "ED" if frame.phase == self.phases[frame.patient_id][0] else "ES"

    def third(self, index: int) -> str:
        """Return the third of the contoured slices that the frame is in: slices run from base to apex."""
        frame = self.frames[index]
        slices = sorted(f.slice for f in self.frames if (f.patient_id, f.phase) == (frame.patient_id, frame.phase))
        return ("base", "middle", "apex")[min(3 * slices.index(frame.slice) // len(slices), 2)]

    def dice(self, mask: Mask, class_id: int = 1) -> tuple[int, int, int]:
        """Return the pixels of both, of the mask, and of the label."""
        label = self.label(mask.index)
        ours, theirs = (mask.classes == class_id) & (label < 3 if class_id == 2 else True), label == class_id
        return int((ours & theirs).sum()), int(ours.sum()), int(theirs.sum())

    def challenge(self, masks: Sequence[Mask]) -> ChallengeScore:
        """Return the 2009 challenge's score."""
        return challenge_score(
            score_contour(
                mask.classes == 1,
                read_frame_contour(self.frames[mask.index], "endocardium", contour_origin=CONTOUR_ORIGIN),
                pixel_spacing=self.frames[mask.index].pixel_spacing,
                patient_id=self.frames[mask.index].patient_id,
                slice=self.frames[mask.index].slice,
                phase=self.frames[mask.index].phase,
            )
            for mask in masks
        )


def figures(truth: Truth, masks: Sequence[Mask]) -> dict[str, float]:
    """Return the scores of labelled frames.

    Returns:
        "n"; "images", mean Dice; "patients", mean of the Dice of all of a patient's pixels; "under", percent of images
        under 0.5; "lost", percent without a mask; "ED" and "ES", as "patients"; "area ES", area of masks over labels at
        end-systole; "wall", as "patients", for the myocardium where it is labelled.
    """
    counts = [truth.dice(mask) for mask in masks]
    dices = [2 * both / max(ours + theirs, 1) for both, ours, theirs in counts]

    def patients(keep: Sequence[bool], counts: Sequence[tuple[int, int, int]]) -> float:
        sums: dict[str, np.ndarray] = {}
        for mask, own, kept in zip(masks, counts, keep, strict=True):
            if kept:
                name = truth.frames[mask.index].patient_id
                sums[name] = sums.get(name, np.zeros(3)) + own
        return float(np.mean([2 * both / max(ours + theirs, 1) for both, ours, theirs in sums.values()] or [np.nan]))

    phases = [truth.phase(mask.index) for mask in masks]
    systole = np.sum([own for own, phase in zip(counts, phases, strict=True) if phase == "ES"], axis=0)
    walls = [truth.dice(mask, 2) for mask in masks]
    return {
        "n": len(masks),
        "images": float(np.mean(dices)),
        "patients": patients([True] * len(masks), counts),
        "under": float(100 * np.mean(np.array(dices) < 0.5)),
        "lost": float(100 * np.mean([ours == 0 for _, ours, _ in counts])),
        "ED": patients([phase == "ED" for phase in phases], counts),
        "ES": patients([phase == "ES" for phase in phases], counts),
        "area ES": float(systole[1] / systole[2]) if np.size(systole) == 3 else float("nan"),
        "wall": patients([theirs > 0 for *_, theirs in walls], walls),
    }


def volume_figures(truth: Truth, masks: Sequence[Mask]) -> dict[str, float]:
    """Return the bias of volumes over the contoured slices: mask minus label, mean over studies.

    Returns:
        "n", studies; "EDV" and "ESV" in mL and "EF" in points, with the half-width of the limits of agreement (1.96
        standard deviations) under the name with " ±"; "area ES", area of masks over labels at end-systole; "mass",
        percent of the labelled myocardium at end-diastole.
    """
    sums: dict[str, dict[str, np.ndarray]] = {}
    for mask in masks:
        frame = truth.frames[mask.index]
        millilitres = frame.pixel_area * frame.slice_spacing / 1000
        phases = sums.setdefault(frame.patient_id, {"ED": np.zeros(2), "ES": np.zeros(2), "wall": np.zeros(2)})
        _, ours, theirs = truth.dice(mask)
        phases[truth.phase(mask.index)] += np.array([ours, theirs]) * millilitres
        _, ours, theirs = truth.dice(mask, 2)
        if theirs:
            phases["wall"] += ours, theirs
    ed, es, wall = (np.array([own[name] for own in sums.values()]) for name in ("ED", "ES", "wall"))
    errors = {
        "EDV": ed[:, 0] - ed[:, 1],
        "ESV": es[:, 0] - es[:, 1],
        "EF": 100 * ((1 - es[:, 0] / ed[:, 0]) - (1 - es[:, 1] / ed[:, 1])),
    }
    figures = {"n": float(len(sums))}
    for name, values in errors.items():
        figures |= {name: float(values.mean()), f"{name} ±": float(1.96 * values.std(ddof=1))}
    figures["area ES"] = float(es[:, 0].sum() / es[:, 1].sum())
    return figures | {"mass": float(100 * (wall[:, 0].sum() / max(wall[:, 1].sum(), 1) - 1))}


_RATIOS = ("images", "patients", "ED", "ES", "area ES", "wall")


def print_table(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print rows of figures as Markdown."""
    names = list(next(iter(rows.values())))
    print(f"| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for row, values in rows.items():
        digits = [0 if k == "n" else 3 if k in _RATIOS else 1 for k in values]
        cells = [f"{v:.{d}f}" for v, d in zip(values.values(), digits, strict=True)]
        print(f"| {row} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("results", type=Path)
    arguments = parser.parse_args()
    truth, path = Truth(arguments.data), arguments.results
    if path.suffix == ".json":
        network = TrainedNetwork(path, {}, engine="auto")
        masks = [mask for variant in VARIANTS for mask in segmented_masks(network, truth, variant)]
    else:
        masks = list(read_masks(path))
    rows, volumes = {}, {}
    for recipe in dict.fromkeys((m.recipe, m.which) for m in masks):
        own = [m for m in masks if (m.recipe, m.which) == recipe]
        labelled = [m for m in own if m.index < len(truth.frames)]
        parts: dict[str, list[Mask]] = {}
        for mask in labelled:
            parts.setdefault("folds" if mask.part.isdigit() else mask.part, []).append(mask)
        for part, kept in parts.items():
            plain, name = [m for m in kept if m.variant == "plain"], f"{' '.join(recipe)}, {part}"
            rows[name], volumes[name] = figures(truth, plain), volume_figures(truth, plain)
            for variant in dict.fromkeys(m.variant for m in kept if m.variant != "plain"):
                rows[f"{name}, {variant}"] = figures(truth, [m for m in kept if m.variant == variant])
            for title, of in (("group", truth.group), ("third", truth.third)):
                for value in dict.fromkeys(of(m.index) for m in plain):
                    some = [m for m in plain if of(m.index) == value]
                    rows[f"{name}, {value}"] = figures(truth, some)
                    if title == "group":
                        volumes[f"{name}, {value}"] = volume_figures(truth, some)
            score = truth.challenge(plain)
            print(name, {k: (round(v.mean, 4), round(v.sd, 4)) for k, v in score.overall.items()})
        if empty := [m for m in own if m.index >= len(truth.frames)]:
            found = np.sort([m.confidence for m in empty if (m.classes == 1).any()])
            print(*recipe, "empty:", len(empty), "with a mask:", len(found), "confidence:", np.round(found[::10], 2))
    print_table(rows)
    print_table(volumes)


if __name__ == "__main__":
    main()
