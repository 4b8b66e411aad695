"""Time changed images of 256 x 256 pixels in batches of 16, beside a PyTorch DataLoader with MONAI's transforms.

    python -m benchmarks.speed.augmentation_speed docs/validation/augmentation_speed.md

Needs `pip install "keras-lvseg[torch,reference]"`. Ratios of epochs in turn, in one run, after one that is not timed;
the images lie in memory on both sides.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.table import write_table
from keras_lvseg.data import Augmentation
from keras_lvseg.data.sampling import Sampling

SIZE = (256, 256)
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
OURS = "tf.data"
ONE_MOVE, TWO_MOVES = "DataLoader, MONAI: affine within elastic", "DataLoader, MONAI: affine, then elastic"

Epoch = Callable[[], Iterable]


def tf_data(images: np.ndarray, labels: np.ndarray, augment: Augmentation | None) -> Epoch:
    """The pipeline of `SAXDataset.as_dataset`."""
    from keras_lvseg.data.tf_dataset import make_dataset

    sampling = Sampling(len(images), SIZE, shuffle=True, augment=augment, seed=0)
    return make_dataset(images, labels, sampling, batch_size=BATCH).as_numpy_iterator


def pydataset(images: np.ndarray, labels: np.ndarray) -> Epoch:
    """The batches of `SAXDataset.as_pydataset`, asked for by as many threads as keras' `workers` would be."""
    from keras_lvseg.data.pydataset import SAXPyDataset

    loader = SAXPyDataset(
        images, labels, Sampling(len(images), SIZE, shuffle=True, augment=FULL, seed=0), batch_size=BATCH
    )
    threads = ThreadPoolExecutor(WORKERS)

    def epoch() -> Iterable:
        yield from threads.map(loader.__getitem__, range(len(loader)))
        loader.on_epoch_end()

    return epoch


def monai_loader(images: np.ndarray, labels: np.ndarray, moves: int) -> Epoch:
    """PyTorch's DataLoader with MONAI's transforms of the same kinds and ranges, each on every image."""
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
    """As MONAI's own loader seeds its workers; and without the record of transforms, which costs time."""
    from monai.data import set_track_meta
    from monai.data.utils import worker_init_fn

    set_track_meta(False)
    worker_init_fn(worker)


def seconds_in_turn(epochs: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Seconds of each epoch, in turn; the first round, which compiles and starts workers, is not timed."""
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
    parser.add_argument("--images", type=int, default=512, help="images an epoch")
    parser.add_argument("--rounds", type=int, default=7, help="timed epochs of each")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    images = random.normal(size=(arguments.images, *SIZE, 1)).astype(np.float32)
    labels = (random.random(images.shape) < 0.1).astype(np.uint8)
    times = seconds_in_turn(
        {
            OURS: tf_data(images, labels, FULL),
            f"PyDataset, {WORKERS} threads": pydataset(images, labels),
            ONE_MOVE: monai_loader(images, labels, moves=1),
            TWO_MOVES: monai_loader(images, labels, moves=2),
            "tf.data, nothing changed": tf_data(images, labels, None),
        },
        arguments.rounds,
    )
    rows = []
    for name, seconds in times.items():
        ratio = statistics.median(theirs / ours for theirs, ours in zip(seconds, times[OURS], strict=True))
        rows.append(f"| {name} | {arguments.images / statistics.median(seconds):,.0f} | {ratio:.1f} |")
    packages = ("tensorflow", "keras", "scipy", "torch", "monai")
    lines = [
        "# Speed of augmentation",
        "",
        f"Epochs of {arguments.images} images of {SIZE[0]} x {SIZE[1]} pixels with their labels, in memory, in",
        f"batches of {BATCH}; every kind of change on every image: rotation, scale, shift, flip, elastic deformation,",
        f"contrast, brightness, gamma, noise, shading. Medians of {arguments.rounds} epochs in turn, after one that is",
        "not timed.",
        f"MONAI's transforms run in a PyTorch DataLoader of {WORKERS} processes, with its record of transforms turned",
        "off: once with the affine map within the elastic one, so that an image is interpolated once, as here, and",
        "once as the two transforms that they usually are.",
        "",
        f"| | images/s | times as long as {OURS} |",
        "| --- | --- | --- |",
        *rows,
    ]
    write_table(arguments.table, lines, f"python -m benchmarks.speed.augmentation_speed {arguments.table}", packages)


if __name__ == "__main__":
    main()
