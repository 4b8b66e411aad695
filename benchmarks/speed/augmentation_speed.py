"""Speed of augmentation: images of 256 x 256 pixels in batches of 16, beside MONAI's transforms in a DataLoader.

    python -m benchmarks.speed.augmentation_speed docs/validation/augmentation_speed.md

Needs `pip install "keras-lvseg[jax,torch,reference]"`. KERAS_BACKEND selects the backend; only TensorFlow has a tf.data
pipeline. Writes synthetic patients first. Ratios are of epochs in turn, in one run, after one that is not timed. All
images are in memory.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from benchmarks.table import write_table
from keras_lvseg.data import Augmentation, SAXDataset
from keras_lvseg.phantom import write_phantom

BATCH = 16
WORKERS = 2
FULL = Augmentation(
    rotation=180,
    scale=0.2,
    shift=8,
    flip=True,
    elastic=0.2,
    contrast=0.25,
    brightness=0.25,
    gamma=0.3,
    noise=0.1,
    shading=0.3,
)
TF_DATA, PYDATASET = "tf.data", f"PyDataset, {WORKERS} threads"
ONE_MOVE, TWO_MOVES = "DataLoader, MONAI: affine within elastic", "DataLoader, MONAI: affine, then elastic"

Epoch = Callable[[], Iterable]


def tf_data(data: SAXDataset, augment: Augmentation | None) -> Epoch:
    """Return the epochs of `as_dataset`."""
    return data.as_dataset("all", batch_size=BATCH, shuffle=True, augment=augment, seed=0).as_numpy_iterator


def pydataset(data: SAXDataset) -> Epoch:
    """Return the epochs of `as_pydataset`, read by as many threads as Keras' `workers`."""
    loader = data.as_pydataset("all", batch_size=BATCH, shuffle=True, augment=FULL, seed=0)
    threads = ThreadPoolExecutor(WORKERS)

    def epoch() -> Iterable:
        yield from threads.map(loader.__getitem__, range(len(loader)))
        loader.on_epoch_end()

    return epoch


def monai_loader(images: np.ndarray, labels: np.ndarray, moves: int) -> Epoch:
    """Return the epochs of a DataLoader with MONAI's transforms of the same kinds and ranges, each on every image."""
    import torch
    from monai.data import Dataset
    from monai.transforms import (
        Compose,
        Rand2DElasticd,
        RandAdjustContrastd,
        RandAffined,
        RandBiasFieldd,
        RandFlipd,
        RandGaussianNoised,
        RandScaleIntensityd,
        RandShiftIntensityd,
    )

    both = ("image", "label")
    how = {"prob": 1, "mode": ("bilinear", "nearest"), "padding_mode": "border"}
    affine = {"rotate_range": np.pi, "scale_range": 0.2, "translate_range": 8}
    elastic = {"spacing": (64, 64), "magnitude_range": (0, 13)}
    if moves == 1:
        move = [Rand2DElasticd(both, **elastic, **affine, **how)]
    else:
        move = [RandAffined(both, **affine, **how), Rand2DElasticd(both, **elastic, **how)]
    transforms = [
        RandAdjustContrastd("image", prob=1, gamma=(1 / 1.3, 1.3)),
        RandFlipd(both, prob=0.5, spatial_axis=1),
        *move,
        RandBiasFieldd("image", prob=1, degree=3, coeff_range=(-0.1, 0.1)),
        RandScaleIntensityd("image", prob=1, factors=0.25),
        RandShiftIntensityd("image", prob=1, offsets=0.25),
        RandGaussianNoised("image", prob=1, std=0.1),
    ]
    pairs = [
        {"image": torch.from_numpy(image), "label": torch.from_numpy(label)}
        for image, label in zip(np.moveaxis(images, -1, 1), np.moveaxis(labels, -1, 1), strict=True)
    ]
    return torch.utils.data.DataLoader(
        Dataset(pairs, Compose(transforms)),
        batch_size=BATCH,
        shuffle=True,
        num_workers=WORKERS,
        persistent_workers=True,
        multiprocessing_context="spawn",  # TensorFlow's threads would not live through a fork
        worker_init_fn=start_worker,
    ).__iter__


def start_worker(worker: int) -> None:
    """Seed a worker as MONAI's own loader does, without the record of transforms, which costs time."""
    from monai.data import set_track_meta
    from monai.data.utils import worker_init_fn

    set_track_meta(False)
    worker_init_fn(worker)


def seconds_in_turn(epochs: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each epoch, in turn. The first round, which compiles and starts workers, is not timed."""
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for round_ in range(rounds + 1):
        for name, epoch in epochs.items():
            start = time.perf_counter()
            for _ in epoch():
                pass
            if round_:
                times[name].append(time.perf_counter() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--patients", type=int, default=30, help="synthetic patients")
    parser.add_argument("--rounds", type=int, default=7, help="timed epochs of each")
    arguments = parser.parse_args()
    backend = keras.config.backend()
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(folder, patients=arguments.patients, seed=0, frames="contoured")
        data = SAXDataset(folder)
        images, labels = data.as_arrays("all")
        ours = {PYDATASET: pydataset(data)}
        if backend == "tensorflow":
            ours = {TF_DATA: tf_data(data, FULL), **ours, "tf.data, nothing changed": tf_data(data, None)}
    first = next(iter(ours))
    times = seconds_in_turn(
        {
            **ours,
            ONE_MOVE: monai_loader(images, labels, moves=1),
            TWO_MOVES: monai_loader(images, labels, moves=2),
        },
        arguments.rounds,
    )
    rows = []
    for name, seconds in times.items():
        ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds, times[first], strict=True))
        rows.append(f"| {name} | {len(images) / statistics.median(seconds):,.0f} | {ratio:.1f} |")
    packages = ("keras", *dict.fromkeys((backend, "torch")), "monai")
    lines = [
        f"# Speed of augmentation on {backend}",
        "",
        f"Epochs of {len(images)} images of {images.shape[1]} x {images.shape[2]} pixels with their labels, in memory,",
        f"in batches of {BATCH}. Every image gets every kind of augmentation: rotation, scale, shift, flip, elastic",
        f"deformation, contrast, brightness, gamma, noise and shading. Medians of {arguments.rounds} epochs in turn,",
        f"after one that is not timed. MONAI's transforms run in a PyTorch DataLoader of {WORKERS} processes, without",
        "its record of transforms. In one row the affine map is part of the elastic one, so that an image is",
        "interpolated once, as here. In the other they are two transforms, as usual.",
        "",
        f"| | images/s | times as long as {first} |",
        "| --- | --- | --- |",
        *rows,
    ]
    command = f"KERAS_BACKEND={backend} python -m benchmarks.speed.augmentation_speed {arguments.table}"
    write_table(arguments.table, lines, command, packages)


if __name__ == "__main__":
    main()
