"""Speed of training on a GPU: the U-Net on JAX and PyTorch, beside MONAI's BasicUNet and a large matrix product.

    python -m benchmarks.speed.gpu docs/validation/gpu_speed.md

Needs `pip install "keras-lvseg[jax,torch,reference]"`. Each backend runs in a process of its own.
`--toy` runs the same on a CPU at a size that says nothing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.table import write_table

SIZE, FILTERS, CLASSES = 256, 32, 2
NVIDIA = {"size": 572, "filters": 64, "batch": 8, "rate": 119}  # DeepLearningExamples, UNet_Medical, one A100
ROUNDS, STEPS = 5, 20
OURS = ("jax", "torch")


def multiply_adds(size: int, filters: int, depth: int = 4) -> float:
    """Return the multiply-adds of one forward pass of `unet` for an image of size x size pixels."""
    total, channels, side = 0.0, 1, float(size)
    for level in range(depth + 1):
        width = filters * 2**level
        total += side**2 * 9 * width * (channels + width)
        channels, side = width, side / 2
    side *= 2
    for level in reversed(range(depth)):
        width = filters * 2**level
        total += side**2 * 4 * channels * width  # transpose convolution: each pixel into 2 x 2
        side *= 2
        total += side**2 * 9 * width * (2 * width + width)
        channels = width
    return total + size**2 * filters * CLASSES


def matrix_product_rate(side: int) -> float:
    """Return the median multiply-adds per second of bfloat16 products of square random matrices, by PyTorch."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None

    def products() -> None:
        for _ in range(10):
            one @ other
        synchronize()

    return 10 * side**3 / median_seconds(products)


def median_seconds(work: Callable[[], object]) -> float:
    """Return the median seconds of work that ends when the device is done, after one call that is not timed."""
    work()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def best_batch(rate: Callable[[int], float], largest: int) -> tuple[int, float]:
    """Double the batch until a step is less than 5 % faster per image, or the memory is full."""
    batch = min(32, largest)
    best = rate(batch)
    while batch < largest:
        try:
            next_rate = rate(2 * batch)
        except Exception as error:  # each framework has its own exception for a full memory
            if "memory" not in str(error).lower() and "RESOURCE_EXHAUSTED" not in str(error):
                raise
            break
        if next_rate < 1.05 * best:
            break
        batch, best = 2 * batch, next_rate
    return batch, best


def random_batch(size: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random images, and discs as labels."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size] - size / 2
    disc = (rows**2 + columns**2 < (size / 8) ** 2).astype(np.uint8)
    images = random.normal(size=(batch, size, size, 1)).astype(np.float32)
    return images, np.repeat(disc[None, ..., None], batch, axis=0)


def ours(toy: bool) -> dict:
    """Return the figures of `unet` with Keras' `fit`, in bfloat16, on the backend of this process."""
    import keras

    from benchmarks.speed.augmentation_speed import FULL
    from benchmarks.speed.networks import Batches
    from keras_lvseg import DiceCoefficient, SAXDataset, SparseDiceCE, unet
    from keras_lvseg.phantom import write_phantom

    keras.config.set_dtype_policy("mixed_bfloat16")
    backend = keras.config.backend()

    def repeated(size: int, batch: int, steps: int) -> Batches:
        """Return one batch, again and again, on the device."""
        return Batches(*map(keras.ops.convert_to_tensor, random_batch(size, batch)), steps=steps)

    def model(filters: int) -> keras.Model:
        network = unet(num_classes=CLASSES, filters=filters)
        jit = backend != "torch"  # Keras on PyTorch would compile anew for each batch size, a minute each
        network.compile("adam", loss=SparseDiceCE(), metrics=[DiceCoefficient()], jit_compile=jit)
        return network

    def rate(network: keras.Model, data: keras.utils.PyDataset, batch: int, epochs: int = 1) -> float:
        images = epochs * len(data) * batch
        found = images / median_seconds(lambda: network.fit(data, epochs=epochs, verbose=0))
        print(f"{backend}, batch {batch}: {found:,.0f} images/s", file=sys.stderr, flush=True)
        return found

    size, filters, patients = (32, 4, 1) if toy else (SIZE, FILTERS, 24)
    network = model(filters)
    steps = 2 if toy else STEPS
    batch, _ = best_batch(lambda batch: rate(network, repeated(size, batch, steps), batch), 8 if toy else 128)
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(folder, patients=patients, frames="contoured")
        data = SAXDataset(folder, image_size=(size, size))
        options = {"batch_size": batch, "shuffle": True, "seed": 0, "drop_remainder": True}
        batches = data.as_pydataset("all", augment=FULL, **options)
    epochs = -(-steps // len(batches))
    fixed = rate(network, repeated(size, batch, len(batches)), batch, epochs)
    augmented = rate(network, batches, batch, epochs)
    nvidia = {"size": 32, "filters": 4, "batch": 2} if toy else NVIDIA
    same = repeated(nvidia["size"], nvidia["batch"], steps)
    return {
        "name": f"unet, Keras on {backend}",
        "batch": batch,
        "fixed": fixed,
        "augmented": augmented,
        "nvidia": rate(model(nvidia["filters"]), same, nvidia["batch"]),
        "multiply_adds": 3 * multiply_adds(size, filters),
    }


def monai(toy: bool) -> dict:
    """Return the figures of MONAI's BasicUNet: bfloat16 autocast, channels last, `torch.compile`."""
    import torch
    from monai.losses import DiceCELoss
    from monai.networks.nets import BasicUNet

    device = "cuda" if torch.cuda.is_available() else "cpu"
    steps = 2 if toy else STEPS

    def rate(filters: int, size: int, batch: int) -> float:
        widths = [filters * 2**level for level in range(5)]
        network = BasicUNet(2, 1, CLASSES, features=(*widths, filters)).to(device, memory_format=torch.channels_last)
        loss_function = DiceCELoss(to_onehot_y=True, softmax=True)
        optimizer = torch.optim.Adam(network.parameters(), fused=device == "cuda")
        images, labels = (torch.from_numpy(np.moveaxis(part, -1, 1)).to(device) for part in random_batch(size, batch))
        images = images.contiguous(memory_format=torch.channels_last)

        def loss() -> torch.Tensor:
            with torch.autocast(device, torch.bfloat16):
                logits = network(images)
            return loss_function(logits.float(), labels)

        compiled = loss if toy else torch.compile(loss)

        def epoch() -> None:
            for _ in range(steps):
                optimizer.zero_grad(set_to_none=True)
                compiled().backward()
                optimizer.step()
            if device == "cuda":
                torch.cuda.synchronize()

        found = steps * batch / median_seconds(epoch)
        print(f"MONAI, batch {batch}: {found:,.0f} images/s", file=sys.stderr, flush=True)
        return found

    size, filters = (32, 4) if toy else (SIZE, FILTERS)
    batch, fixed = best_batch(lambda batch: rate(filters, size, batch), 8 if toy else 128)
    nvidia = {"size": 32, "filters": 4, "batch": 2} if toy else NVIDIA
    published = rate(nvidia["filters"], nvidia["size"], nvidia["batch"])
    return {"name": "MONAI BasicUNet, PyTorch", "batch": batch, "fixed": fixed, "nvidia": published}


def product(toy: bool) -> dict:
    """Return the rate of a large matrix product, and the name of the device."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {"name": "matrix product", "device": device, "multiply_adds": matrix_product_rate(256 if toy else 8192)}


def in_own_process(part: str, toy: bool, backend: str) -> dict:
    """Run one part in a process of its own, and return its figures."""
    command = [sys.executable, "-m", "benchmarks.speed.gpu", "--part", part, *(["--toy"] if toy else [])]
    environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: list[dict], device: str, peak: float) -> list[str]:
    """Return the page as lines of Markdown."""
    lines = [
        f"# Speed of training on {device}",
        "",
        f"A U-Net of {FILTERS} filters at full resolution, {SIZE} x {SIZE} pixels, in bfloat16: forward, backward,",
        "Adam, and for this package the Dice of every batch. The batch is the smallest one from which doubling gains",
        f"less than 5 %. Medians of {ROUNDS} runs of about {STEPS} steps. MONAI's network is compiled by",
        "`torch.compile`, with autocast and channels last; Keras on PyTorch is not compiled. In the column",
        '"augmented" every image is augmented on the',
        "device. The share of time that the network waits for data is one minus that rate over the rate of one batch,",
        "repeated.",
        "",
        "| | batch | images/s | augmented | waiting | of a matrix product | 572 x 572, batch 8 |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        own = row.get("augmented")
        cells = [row["name"], str(row["batch"]), f"{row['fixed']:,.0f}"]
        cells += [f"{own:,.0f}", f"{1 - own / row['fixed']:.0%}"] if own else ["", ""]
        cells += [f"{row['fixed'] * row['multiply_adds'] / peak:.1%}"] if "multiply_adds" in row else [""]
        lines.append("| " + " | ".join([*cells, f"{row['nvidia']:,.0f}"]) + " |")
    return [
        *lines,
        "",
        f"The matrix product, 8192 x 8192 in bfloat16 in the same run, does {2e-12 * peak:,.0f} TFLOP/s. NVIDIA's",
        f"UNet_Medical has {NVIDIA['rate']} images/s in training at 572 x 572, batch 8, mixed precision, on one A100",
        "(NVIDIA DeepLearningExamples), with unpadded convolutions.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", help="the Markdown file to write; JSON lies beside it")
    parser.add_argument("--part", choices=("ours", "monai", "product"), help=argparse.SUPPRESS)
    parser.add_argument("--toy", action="store_true", help="a size that a CPU ends in seconds")
    arguments = parser.parse_args()
    if arguments.part:
        print(json.dumps({"ours": ours, "monai": monai, "product": product}[arguments.part](arguments.toy)))
        return
    peak = in_own_process("product", arguments.toy, "torch")
    rows: list[dict] = []
    for part, backend in [*(("ours", backend) for backend in OURS), ("monai", "torch")]:
        rows.append(in_own_process(part, arguments.toy, backend))
        # After each part, because a borrowed GPU may be gone before the next one ends.
        write_page(arguments.table, rows, peak, arguments.toy)


def write_page(page: Path, rows: list[dict], peak: dict, toy: bool) -> None:
    """Write the Markdown file, and the JSON beside it."""
    page.with_suffix(".json").write_text(json.dumps([peak, *rows], indent=2), encoding="utf-8")
    lines = table(rows, peak["device"], peak["multiply_adds"])
    if toy:
        lines[1:1] = ["", "**Made at toy size: neither text nor figures are true.**"]
    write_table(page, lines, f"python -m benchmarks.speed.gpu {page}", ("keras", "jax", "torch", "monai"))


if __name__ == "__main__":
    main()
