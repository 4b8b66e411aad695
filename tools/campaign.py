"""Train recipes and the bundled weights: folds, the official split, shifts and ablations.

    python -m tools.campaign prepare DATA data.npz         reads and packs patients and phantoms
    python -m tools.campaign run data.npz OUT PLAN         trains on PyTorch and writes networks
    python -m tools.campaign predict data.npz OUT PLAN     segments held-out patients and writes masks: OUT/PLAN.npz

DATA holds `sunnybrook-training-png`, `sunnybrook-validation-png`, `sunnybrook-online-png`, `sunnybrook-sample` and
`sunnybrook-studies`. PLAN is a name in `campaign_plans.PLANS`. The second command needs `KERAS_BACKEND=torch`, and
neither DATA nor TensorFlow; the third needs OpenVINO. The bundled weights are one of the networks. `campaign_scores.py`
scores the masks.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.files import atomic_file
from keras_lvseg.geometry import CONTOUR_ORIGIN, NetworkGrid
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.inference.predict import average_views, native_probabilities
from keras_lvseg.models.build import build_network
from keras_lvseg.models.pretrained import PretrainedInfo, assign_arrays, pretrained_info, read_arrays, write_pretrained
from keras_lvseg.phantom import write_phantom
from keras_lvseg.phantom.image import acquire_frame, render_background
from keras_lvseg.phantom.phantom_patient import PhantomPatient
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image
from tools.campaign_plans import DRAWN, PLANS, VARIANTS, Frames, Run, Shape
from tools.drawn_images import draw_image

GRID = Preprocessing((144, 144), 1.5)
PARTS = ("sunnybrook-training-png", "sunnybrook-validation-png", "sunnybrook-online-png")
WHOLE_STUDIES = ("sunnybrook-sample", "sunnybrook-studies")
_PHANTOMS, _PHANTOM_SEED = 12, 2009
_BATCH = 128


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
        drawn = [row | {"part": "drawn"} for row in self.rows[: len(self.pixels)] for _ in range(DRAWN)]
        self.frames = Frames([*self.rows, *drawn])

    def drawn(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return images drawn from the label map of each real frame, `DRAWN` of each, and their labels."""
        images, labels = (own.repeat(DRAWN, axis=0) for own in (images, self.labels[: len(self.pixels)]))
        drawn = np.empty(images.shape, np.float32)
        for k, (image, label) in enumerate(zip(images, labels, strict=True)):
            drawn[k, ..., 0] = draw_image(image[..., 0], label[..., 0], np.random.default_rng(k))
        return drawn, labels

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


def _inputs(data: Data, runs: Sequence[Run]) -> dict[str, np.ndarray]:
    """Return the network's inputs of all real frames, by variant, as the runs need them."""
    global _DATA
    _DATA = data
    frames = range(len(data.pixels))
    variants = dict.fromkeys(["plain", *(v for one in runs for v in one.variants)])
    wanted = [(i, v) for v in variants for i in frames if v == "plain" or data.rows[i]["part"] != "empty"]
    inputs = {v: np.zeros((len(frames), *GRID.image_size, 1), np.float32) for v in variants}
    # Forked before PyTorch starts the GPU.
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("fork")) as pool:
        for (i, v), image in zip(wanted, pool.map(_shifted, wanted, chunksize=8), strict=True):
            inputs[v][i, ..., 0] = image
    return inputs


def run(path: Path, out: Path, plan: str, seconds: float, shrink: int, streams: int, only: Sequence[str]) -> None:
    """Train what a plan lists and is not in OUT yet, in order, until the time is over."""
    start = time.monotonic()

    def log(*text: Any) -> None:
        line = f"{time.monotonic() - start:6.1f} s {' '.join(map(str, text))}\n"
        print(line, end="", flush=True)  # one write, so that threads do not mix their lines

    data = Data(path)
    runs = [one for one in PLANS[plan](data.frames) if not only or one.name in only]
    runs = [one for one in runs if not all((out / one.file(which)).is_file() for which in one.weights)]
    inputs = _inputs(data, runs)
    out.mkdir(parents=True, exist_ok=True)
    log("pictures read")

    import torch

    from tools.fast_training import DEVICE, FastTrainer

    torch.backends.cudnn.benchmark = True
    pictures, classes = np.concatenate([inputs["plain"], data.phantoms]), data.labels
    if any(one.recipe.drawn for one in runs):
        drawn, drawn_labels = data.drawn(inputs["plain"])
        pictures, classes = np.concatenate([pictures, drawn]), np.concatenate([classes, drawn_labels])
    images = torch.tensor(pictures, device=DEVICE)
    labels = {
        3: torch.tensor(classes, device=DEVICE),
        2: torch.tensor((classes == 1).astype("uint8"), device=DEVICE),
    }
    trainers: dict[Shape, SimpleQueue[FastTrainer]] = {}
    for shape, count in Counter(one.recipe.shape for one in runs).items():
        trainers[shape] = SimpleQueue()
        for _ in range(min(streams, count)):
            trainers[shape].put(FastTrainer(shape, images, labels[shape.classes]))
        log("ready for", shape)
    rates = dict[Shape, float]()

    def work(one: Run) -> None:
        shape, steps = one.recipe.shape, max(one.steps // shrink, 1)
        if time.monotonic() + steps * rates.get(shape, 0.0) * 1.05 > start + seconds:
            log("no time for", one.name, f"seed {one.seed}")
            return
        trainer, begun = trainers[shape].get(), time.monotonic()
        options = {"steps": steps, "seed": one.seed, "learning_rate": one.recipe.learning_rate}
        losses = trainer.train(one.subset, one.recipe.augment, **options)
        rates[shape] = (time.monotonic() - begun) / steps
        log(
            f"{one.name} seed {one.seed}: {steps} steps of {shape.batch}, {1e3 * rates[shape]:.2f} ms each,",
            f"{len(one.subset)} images, loss {' '.join(f'{loss:.2f}' for loss in losses)}",
        )
        for which in one.weights:
            if one.keep:
                _write_network(out / one.file(which), one, trainer.keras_weights(which), data.frames)
            else:
                found = [
                    trainer.probabilities(np.stack([inputs[v][i] for i, v in part]), which)
                    for part in _batches(one.jobs)
                ]
                log(one.name, which, "on the network's grid:", _on_grid(data, one.jobs, np.concatenate(found)))
        trainers[shape].put(trainer)

    torch.zeros(1, device=DEVICE).item()  # all tensors are there before another stream reads them
    with ThreadPoolExecutor(streams) as threads:
        list(threads.map(work, runs))
    log("done")


def _batches(jobs: Sequence[tuple[int, str]]) -> Iterator[Sequence[tuple[int, str]]]:
    yield from (jobs[k : k + _BATCH] for k in range(0, len(jobs), _BATCH))


def _on_grid(data: Data, jobs: Sequence[tuple[int, str]], probabilities: Sequence[np.ndarray]) -> str:
    """Return the mean Dice of patients by variant, before the clean-up, and the number of empty slices with a mask."""
    counts: dict[str, dict[str, np.ndarray]] = {}
    for (i, v), own in zip(jobs, probabilities, strict=True):
        patients = counts.setdefault(v if data.rows[i]["part"] != "empty" else "empty", {})
        cavity, label = own[..., 0] > 0.5, data.labels[i, ..., 0] == 1
        row = np.array([(cavity & label).sum(), cavity.sum(), label.sum(), cavity.any(), 1])
        patients[data.rows[i]["patient"]] = patients.get(data.rows[i]["patient"], 0) + row
    return ", ".join(
        f"{v} {np.mean([2 * n[0] / max(n[1] + n[2], 1) for n in patients.values()]):.3f}"
        if v != "empty"
        else f"empty {sum(n[3] for n in patients.values())}/{sum(n[4] for n in patients.values())}"
        for v, patients in counts.items()
    )


def _write_network(path: Path, one: Run, arrays: Mapping[str, np.ndarray], frames: Frames) -> None:
    """Write a network in float16 as `keras_lvseg.models.pretrained` reads it."""
    shape = one.recipe.shape
    network = build_network("unet", shape.architecture)
    assign_arrays(network, arrays, one.name)
    patients = sorted({frames.rows[index]["patient"] for index in one.subset} & {*frames.groups})
    beside = [", slices without a ventricle"] * one.recipe.empty + [", and phantoms"] * one.recipe.phantoms
    info = PretrainedInfo(
        network="unet",
        architecture=shape.architecture,
        data={
            "target": "myocardium" if shape.classes == 3 else "endocardium",
            "image_size": list(GRID.image_size),
            "pixel_spacing": GRID.pixel_spacing,
            "intensity": GRID.intensity,
            "contour_origin": CONTOUR_ORIGIN,
        },
        inference={"flip_tta": True, "postprocess": True},
        training={
            "summary": f"{len(patients)} patients of the 2009 challenge with repaired labels{''.join(beside)}",
            "patients": patients,
            "images": len(frames.of(patients, frames.real)),
            "phantoms": _PHANTOMS * one.recipe.phantoms,
            "steps": one.steps,
            "batch_size": shape.batch,
            "seed": one.seed,
            "dtype": shape.dtype,
        },
    )
    write_pretrained(path, network, info, dtype="float16")


def predict(path: Path, out: Path, plan: str) -> None:
    """Write the masks of the frames that the runs of a plan list, by the networks that are in OUT."""
    from keras_lvseg.inference.engines.engine import open_engine

    data = Data(path)
    runs = [one for one in PLANS[plan](data.frames) if one.keep]
    networks = [(one, which, out / one.file(which)) for one in runs for which in one.weights]
    inputs, results = _inputs(data, runs), []
    for own, which, file in networks:
        if not file.is_file():
            continue
        network, start = open_engine("openvino", pretrained_info(file), read_arrays(file)), time.monotonic()
        for part in _batches(own.jobs):
            images = np.stack([inputs[v][i] for i, v in part])
            for (i, v), found in zip(part, average_views(network, images, views=4), strict=True):
                results.append(((own.name, which, v, i), *data.native_mask(i, found[..., 1:])))
        print(f"{own.name} seed {own.seed} {which}: {len(own.jobs)} in {time.monotonic() - start:.0f} s", flush=True)
    _write(out / f"{plan}.npz", results, runs)


def _write(path: Path, found: Sequence[tuple[tuple, bytes, float]], runs: Sequence[Run]) -> None:
    """Write all masks, atomically."""
    index = {"places": [place for place, *_ in found], "confidence": [round(c, 4) for *_, c in found]}
    index["sizes"] = [len(mask) for _, mask, _ in found]
    index["runs"] = [one.plain() for one in runs]
    with atomic_file(path) as temporary:
        np.savez(
            temporary,
            index=np.frombuffer(zlib.compress(json.dumps(index).encode()), np.uint8),
            masks=np.frombuffer(b"".join(mask for _, mask, _ in found), np.uint8),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare")
    one.add_argument("data", type=Path)
    one.add_argument("out", type=Path)
    for name in ("run", "predict"):
        one = commands.add_parser(name)
        one.add_argument("data", type=Path)
        one.add_argument("out", type=Path)
        one.add_argument("plan", choices=PLANS)
        if name == "run":
            one.add_argument("--seconds", type=float, default=1e9, help="start no training that would end later")
            one.add_argument("--shrink", type=int, default=1, help="divide all numbers of steps, for a trial")
            one.add_argument("--streams", type=int, default=1, help="trainings at the same time")
            one.add_argument("--only", nargs="*", default=(), help="names of the plan's runs; all without it")
    arguments = vars(parser.parse_args())
    command = {"prepare": prepare, "run": run, "predict": predict}[arguments.pop("command")]
    path = arguments.pop("data")
    command(path, **arguments)


if __name__ == "__main__":
    main()
