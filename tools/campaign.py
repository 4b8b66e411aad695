"""Train and score recipes, and train the bundled weights: folds, the official split, shifts and ablations.

    python -m tools.campaign prepare DATA data.npz     reads and packs patients and phantoms
    python -m tools.campaign run data.npz OUT PLAN     trains on PyTorch and writes masks and weights
    python -m tools.campaign weights data.npz OUT/weights-wall-*.npz --out sax-lv.json

DATA holds `sunnybrook-training-png`, `sunnybrook-validation-png`, `sunnybrook-online-png`, `sunnybrook-sample` and
`sunnybrook-studies`. PLAN is a name in `campaign_plans.PLANS`. The second command needs `KERAS_BACKEND=torch`, and
neither DATA nor TensorFlow. `campaign_scores.py` scores the masks.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.files import atomic_file
from keras_lvseg.geometry import CONTOUR_ORIGIN, NetworkGrid
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.phantom import write_phantom
from keras_lvseg.phantom.image import acquire_frame, render_background
from keras_lvseg.phantom.phantom_patient import PhantomPatient
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image
from tools.campaign_plans import PLANS, VARIANTS, WALL, Frames, Run, Shape

GRID = Preprocessing((144, 144), 1.5)
PARTS = ("sunnybrook-training-png", "sunnybrook-validation-png", "sunnybrook-online-png")
WHOLE_STUDIES = ("sunnybrook-sample", "sunnybrook-studies")
_PHANTOMS, _PHANTOM_SEED = 12, 2009
_BATCH = 128
_IN_A_FILE = 4  # networks


def prepare(data: Path, out: Path) -> None:
    """Pack stored pixels of real frames, images of phantoms on the network's grid, and labels."""
    rows, pixels, labels = [], [], []
    options = {"target": "myocardium", "image_size": GRID.image_size, "pixel_spacing": GRID.pixel_spacing}
    for part in PARTS:
        dataset = SAXDataset(data / part, partial=True, labels_include_outline=True, **options)
        for frame, label in zip(dataset.labelled_frames("all"), dataset.as_arrays("all")[1], strict=True):
            rows.append(_row(frame, part))
            pixels.append(read_image(frame))
            labels.append(label)
    for part in WHOLE_STUDIES:
        for frame in SAXDataset(data / part, empty_slices=True, partial=True, **options).empty_frames("all"):
            rows.append(_row(frame, "empty"))
            pixels.append(read_image(frame))
            labels.append(np.zeros((*GRID.image_size, 1), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(folder, patients=_PHANTOMS, seed=_PHANTOM_SEED, frames="contoured")
        dataset = SAXDataset(folder, partial=True, **options)
        images, drawn = dataset.as_arrays("all")
        rows += [_row(frame, "phantom") for frame in dataset.labelled_frames("all")]
    beyond = np.concatenate([_beyond(PhantomPatient(index, _PHANTOM_SEED)) for index in range(_PHANTOMS)])
    rows += [{"part": "phantom empty", "patient": "", "slice": 0, "phase": 0}] * len(beyond)
    np.savez_compressed(
        out,
        rows=np.frombuffer(json.dumps(rows).encode(), np.uint8),
        pixels=np.stack(pixels).astype(np.int16),
        phantoms=_to_bytes(np.concatenate([images, beyond])),
        labels=np.concatenate([np.stack(labels), drawn, np.zeros(beyond.shape, np.uint8)]),
    )
    print({part: sum(row["part"] == part for row in rows) for part in dict.fromkeys(row["part"] for row in rows)})


def _beyond(patient: PhantomPatient) -> np.ndarray:
    """Return images of a phantom's slices that are wholly above the base or below the apex, on the network's grid."""
    heart, thickness = patient.heart, patient.thickness
    apex = heart.length + 0.8 * heart.wall
    places = [-thickness * share for share in (0.6, 1.5, 2.5)] + [apex + thickness * share for share in (0.6, 1.5, 2.5)]
    images = []
    for k, z in enumerate(places):
        background = render_background(patient.body, patient.placement, z, thickness)
        phase = heart.ed_phase if k % 2 else heart.es_phase
        spacing, noise = patient.placement.spacing, patient.noise
        pixels = acquire_frame(background, heart, patient.body, patient.scanner, thickness, phase, spacing, noise)
        images.append(GRID.image(pixels, GRID.grid_for(pixels.shape, (spacing, spacing))))
    return np.stack(images)[..., None]


def _to_bytes(images: np.ndarray) -> np.ndarray:
    """Return images as uint8, each by its own range, as the real ones are stored."""
    low, high = (edge(images, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    return np.rint(255 * (images - low) / (high - low)).astype(np.uint8)


def _row(frame: Frame, part: str) -> dict[str, Any]:
    return {
        "part": part,
        "patient": frame.patient_id,
        "group": frame.original_id.rsplit("-", 1)[0].removeprefix("SC-"),
        "slice": frame.slice,
        "phase": frame.phase,
        "spacing": list(frame.pixel_spacing),
        "has_wall": frame.epicardium is not None,
    }


class Data:
    """The packed data."""

    def __init__(self, path: Path):
        with np.load(path) as archive:
            self.rows: list[dict[str, Any]] = json.loads(archive["rows"].tobytes())
            self.pixels, self.labels = archive["pixels"], archive["labels"]
            phantoms = archive["phantoms"].astype(np.float32)
        moments = (phantoms.mean((1, 2), keepdims=True), phantoms.std((1, 2), keepdims=True))
        self.phantoms = (phantoms - moments[0]) / moments[1]
        self.frames = Frames(self.rows)

    def shifted(self, index: int, variant: str) -> np.ndarray:
        """Return the network's input of a real frame."""
        pixels, spacing = VARIANTS[variant](self.pixels[index].astype(np.float32), self.rows[index]["spacing"])
        return GRID.image(pixels, GRID.grid_for(pixels.shape, spacing))

    def native_mask(self, index: int, foreground: np.ndarray) -> tuple[bytes, float]:
        """Return class numbers on a frame's native grid, compressed, and the mask's mean probability of the cavity."""
        shape = self.pixels[index].shape
        grid = NetworkGrid(shape, tuple(self.rows[index]["spacing"]), GRID.image_size, GRID.pixel_spacing)
        native = native_probabilities(foreground.astype(np.float32), grid)
        mask = keep_best_component(native)
        cavity = mask == 1
        return zlib.compress(mask.tobytes(), 1), float(native[1][cavity].mean()) if cavity.any() else 0.0


_DATA: Data  # of a worker process, from the fork


def _shifted(job: tuple[int, str]) -> np.ndarray:
    return _DATA.shifted(*job)


def _native_masks(jobs: list[tuple[int, np.ndarray]]) -> list[tuple[bytes, float]]:
    return [_DATA.native_mask(*job) for job in jobs]


def run(path: Path, out: Path, plan: str, seconds: float, shrink: int) -> None:
    """Train and predict what a plan lists, in order, until the time is over."""
    global _DATA
    start, stop = time.monotonic(), time.monotonic() + seconds
    log = lambda *text: print(f"{time.monotonic() - start:6.1f} s", *text, flush=True)  # noqa: E731
    _DATA = data = Data(path)
    out.mkdir(parents=True, exist_ok=True)
    # Forked before PyTorch starts the GPU.
    pool = ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork"))
    real = range(len(data.pixels))
    wanted = [(i, v) for v in VARIANTS for i in real if v == "plain" or data.rows[i]["part"] != "empty"]
    shifted = pool.map(_shifted, wanted, chunksize=8)
    inputs = {v: np.zeros((len(real), *GRID.image_size, 1), np.float32) for v in VARIANTS}
    for (i, v), image in zip(wanted, shifted, strict=True):
        inputs[v][i, ..., 0] = image
    log("pictures read")

    import torch

    from tools.fast_training import DEVICE, FastTrainer

    torch.backends.cudnn.benchmark = True
    images = torch.tensor(np.concatenate([inputs["plain"], data.phantoms]), device=DEVICE)
    labels = {
        3: torch.tensor(data.labels, device=DEVICE),
        2: torch.tensor((data.labels == 1).astype("uint8"), device=DEVICE),
    }
    runs = [one for one in PLANS[plan](data.frames) if one.steps]
    trainers: dict[Shape, FastTrainer] = {}
    results: list[tuple[list, Future]] = []
    rates, kept, files = dict[Shape, float](), 0, dict[str, np.ndarray]()
    for number, one in enumerate(runs):
        shape, steps = one.recipe.shape, max(one.steps // shrink, 1)
        if time.monotonic() + steps * rates.get(shape, 0.0) * 1.05 > stop:
            log("no time for", one.name, f"seed {one.seed}")
            continue
        if shape not in trainers:
            trainers[shape] = FastTrainer(shape, images, labels[shape.classes])
            log("ready for", shape)
        trainer, begun = trainers[shape], time.monotonic()
        options = {"steps": steps, "seed": one.seed, "learning_rate": one.recipe.learning_rate}
        losses = trainer.train(one.subset, one.recipe.augment, **options)
        rates[shape] = (time.monotonic() - begun) / steps
        jobs = [(i, v) for v in one.variants for i in one.test] + [(i, "plain") for i in one.empty]
        for which in one.weights:
            on_grid: dict[str, dict[str, np.ndarray]] = {}
            for k in range(0, len(jobs), _BATCH):
                part = jobs[k : k + _BATCH]
                found = trainer.probabilities(np.stack([inputs[v][i] for i, v in part]), which)
                places = [(one.name, which, v, i) for i, v in part]
                pairs = [(i, f) for (i, _), f in zip(part, found, strict=True)]
                results.append((places, pool.submit(_native_masks, pairs)))
                for (i, v), own in zip(part, found, strict=True):
                    patients = on_grid.setdefault(v if data.rows[i]["part"] != "empty" else "empty", {})
                    cavity = own[..., 0] > np.maximum(own[..., 1:].max(-1, initial=0), 1 - own.sum(-1))
                    label = data.labels[i, ..., 0] == 1
                    counts = np.array([(cavity & label).sum(), cavity.sum(), label.sum(), cavity.any(), 1])
                    patients[data.rows[i]["patient"]] = patients.get(data.rows[i]["patient"], 0) + counts
            text = [
                f"{v} {np.mean([2 * n[0] / max(n[1] + n[2], 1) for n in patients.values()]):.3f}"
                if v != "empty"
                else f"empty {sum(n[3] for n in patients.values())}/{sum(n[4] for n in patients.values())}"
                for v, patients in on_grid.items()
            ]
            log(one.name, which, "patients on the network's grid:", ", ".join(text))
            if one.keep:
                arrays = {
                    f"{one.name} {which} {k}": w.astype(np.float16) for k, w in trainer.keras_weights(which).items()
                }
                files = files | arrays if kept % _IN_A_FILE else arrays
                with atomic_file(out / f"weights-{plan}-{kept // _IN_A_FILE}.npz") as temporary:
                    np.savez(temporary, **files)
                kept += 1
        log(
            f"{one.name}: {steps} steps of {shape.batch}, {1e3 * rates[shape]:.2f} ms each,",
            f"{len(one.subset)} images, loss {' '.join(f'{loss:.2f}' for loss in losses)}",
        )
        if number % 6 == 5:
            _write(out / f"{plan}.npz", results, runs)
    _write(out / f"{plan}.npz", results, runs)
    log("done")
    pool.shutdown()


def _write(path: Path, results: Sequence[tuple[list, Future]], runs: Sequence[Run]) -> None:
    """Write all masks, atomically."""
    found = [(place, *mask) for places, future in results for place, mask in zip(places, future.result(), strict=True)]
    index = {"places": [place for place, *_ in found], "confidence": [round(c, 4) for *_, c in found]}
    index["sizes"] = [len(mask) for _, mask, _ in found]
    index["runs"] = [one.plain() for one in runs]
    with atomic_file(path) as temporary:
        np.savez(
            temporary,
            index=np.frombuffer(zlib.compress(json.dumps(index).encode()), np.uint8),
            masks=np.frombuffer(b"".join(mask for _, mask, _ in found), np.uint8),
        )


def write_weights(files: Sequence[Path], name: str, out: Path, frames: Frames) -> None:
    """Write a network of the plan "wall" as `keras_lvseg.models.pretrained` reads it."""
    from keras_lvseg.models.build import build_network
    from keras_lvseg.models.pretrained import PretrainedInfo, assign_arrays, write_pretrained

    trained = next(one for one in PLANS["wall"](frames) if name.startswith(one.name))
    patients = sorted({frames.rows[index]["patient"] for index in trained.subset} & {*frames.groups})
    arrays: dict[str, np.ndarray] = {}
    for file in files:
        with np.load(file) as archive:
            arrays |= {
                key.removeprefix(f"{name} "): archive[key] for key in archive.files if key.startswith(f"{name} ")
            }
    network = build_network("unet", WALL.shape.architecture)
    assign_arrays(network, arrays, name)
    info = PretrainedInfo(
        network="unet",
        architecture=WALL.shape.architecture,
        data={
            "target": "myocardium",
            "image_size": list(GRID.image_size),
            "pixel_spacing": GRID.pixel_spacing,
            "intensity": GRID.intensity,
            "contour_origin": CONTOUR_ORIGIN,
        },
        inference={"flip_tta": True, "postprocess": True},
        training={
            "summary": f"{len(patients)} patients of the 2009 challenge with repaired labels, slices without a "
            "ventricle, and phantoms",
            "patients": patients,
            "images": len(frames.of(patients, frames.real)),
            "phantoms": _PHANTOMS,
            "epochs": WALL.epochs,
            "seed": 0,
            "dtype": WALL.shape.dtype,
        },
    )
    write_pretrained(out, network, info, dtype="float16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare")
    one.add_argument("data", type=Path)
    one.add_argument("out", type=Path)
    one = commands.add_parser("run")
    one.add_argument("data", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("plan", choices=PLANS)
    one.add_argument("--seconds", type=float, default=1e9, help="start no training that would end later")
    one.add_argument("--shrink", type=int, default=1, help="divide all numbers of steps, for a trial")
    one = commands.add_parser("weights")
    one.add_argument("data", type=Path)
    one.add_argument("files", type=Path, nargs="+", help="the files of weights that `run` wrote")
    one.add_argument("--name", default="wall/final last")
    one.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    arguments = parser.parse_args()
    if arguments.command == "weights":
        write_weights(arguments.files, arguments.name, arguments.out, Data(arguments.data).frames)
    elif arguments.command == "prepare":
        prepare(arguments.data, arguments.out)
    else:
        run(arguments.data, arguments.out, arguments.plan, arguments.seconds, arguments.shrink)


if __name__ == "__main__":
    main()
