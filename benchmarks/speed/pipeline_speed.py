"""Speed of a training epoch's input: `as_dataset` beside a tf.data pipeline that calls pydicom by `tf.py_function`.

    python -m benchmarks.speed.pipeline_speed docs/validation/pipeline_speed.md

Batches of 16 shuffled images of 256 x 256 pixels with their masks, second and later epochs, nothing but the input.
"""

import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
import tensorflow as tf

from benchmarks.table import write_table
from keras_lvseg.data import SAXDataset
from keras_lvseg.phantom import write_phantom

BATCH = 16


def usual_pipeline(data: SAXDataset) -> tf.data.Dataset:
    """Return the pipeline of tutorials, which decodes every image in every epoch. Its masks are in memory."""

    def decode(path: tf.Tensor) -> np.ndarray:
        image = pydicom.dcmread(path.numpy().decode()).pixel_array.astype(np.float32)
        return ((image - image.mean()) / max(image.std(), 1e-6))[..., None]

    def load(path: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.py_function(decode, [path], tf.float32)
        image.set_shape((256, 256, 1))
        return image, mask

    paths = [str(frame.path) for frame in data.labelled_frames("all")]
    files = tf.data.Dataset.from_tensor_slices((paths, data.as_arrays("all")[1])).shuffle(len(paths), seed=0)
    return files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)


def images_a_second(dataset: tf.data.Dataset, epochs: int) -> float:
    """Return the images per second of `epochs` passes. Elements are not copied to NumPy, as in a training step."""
    start, count = time.perf_counter(), 0
    for _ in range(epochs):
        count += sum(int(images.shape[0]) for images, _ in dataset)
    return count / (time.perf_counter() - start)


def peak() -> float:
    """Return the process's peak memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    parser.add_argument("--patients", type=int, default=45, help="number of patients; the Sunnybrook data has 45")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        write_phantom(f"{scratch}/tree", patients=arguments.patients, seed=0, frames="contoured")
        data = SAXDataset(f"{scratch}/tree")
        count = len(data.labelled_frames("all"))
        before = peak()
        ours = data.as_dataset("all", batch_size=BATCH, shuffle=True, seed=0)
        images_a_second(ours, 1)
        growth = peak() - before
        pipelines = {"usual": (usual_pipeline(data), 1), "ours": (ours, 10)}  # one epoch of it is over in no time
        rates: dict[str, list[float]] = {name: [] for name in pipelines}
        for round_ in range(arguments.rounds + 1):  # the first holds the first epoch
            for name, (dataset, epochs) in pipelines.items():
                rate = images_a_second(dataset, epochs)
                if round_:
                    rates[name].append(rate)
    held = count * 256 * 256 * (4 + 1) / 2**20
    usual, ours_rate = (statistics.median(rates[name]) for name in ("usual", "ours"))
    lines = [
        "# Speed of the input pipeline",
        "",
        f"{count} labelled images of 256 x 256 pixels, z-scored, with their masks, shuffled, in batches of {BATCH}, no",
        f"augmentation. Epochs after the first; medians of {arguments.rounds} rounds in turn, in one process.",
        "The usual pipeline decodes in `tf.py_function` with pydicom, in parallel, and has its masks ready in memory.",
        "",
        "| | images a second | this / usual |",
        "| --- | --- | --- |",
        f"| `tf.py_function` and pydicom | {usual:,.0f} | 1.0 |",
        f"| `as_dataset` | {ours_rate:,.0f} | {ours_rate / usual:.1f} |",
        "",
        f"Making `as_dataset` and its first epoch raise the process's peak memory by {growth:.0f} MiB; its images and",
        f"labels take {held:.0f} MiB.",
    ]
    write_table(
        arguments.table,
        lines,
        f"python -m benchmarks.speed.pipeline_speed {arguments.table}",
        ("tensorflow", "pydicom"),
    )


if __name__ == "__main__":
    main()
