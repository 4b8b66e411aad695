"""Step 5: on a GPU
================

A GPU is fast only while it has work. This page trains the U-Net of step 4 in bfloat16, compiles it, finds the batch
size, and measures whether the network waits for its images. On a computer without a GPU everything is small, and the
figures say nothing.
"""

import argparse
import tempfile
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import DiceCoefficient, SAXDataset, SparseDiceCE, unet
from keras_lvseg.data import Augmentation
from keras_lvseg.phantom import write_phantom
from keras_lvseg.training import preferred_dtype

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", help="folder with DICOM and contours; synthetic hearts if left out")
parser.add_argument("--figure", default="on_a_gpu.png", help="PNG to write")
options = parser.parse_args()

# %%
# bfloat16 and compilation
# ------------------------
# ``preferred_dtype`` gives bfloat16 on a GPU and float32 elsewhere. Weights, logits, loss and metric stay float32.
# ``jit_compile`` merges the small operations of a step into few large ones.

dtype = preferred_dtype()
on_gpu = dtype != "float32"
keras.config.set_dtype_policy(dtype)
filters, size, largest, steps = (32, 256, 256, 20) if on_gpu else (4, 32, 16, 2)
print(f"{keras.config.backend()}, {dtype}, {'a GPU' if on_gpu else 'no GPU: toy size'}")

keras.utils.set_random_seed(0)
model = unet(filters=filters)
model.compile("adam", SparseDiceCE(), metrics=[DiceCoefficient()], jit_compile=True if on_gpu else "auto")

# %%
# Data and augmentation on the device
# -----------------------------------
# ``as_pydataset`` keeps the decoded images in memory and augments each batch on the device that trains. No process
# decodes or augments beside the training.

hearts = tempfile.TemporaryDirectory()  # deleted when Python ends
if options.data is None:
    write_phantom(hearts.name, patients=20 if on_gpu else 2, seed=0, frames="contoured")
dataset = SAXDataset(options.data or hearts.name, image_size=(size, size))
images, labels = dataset.as_arrays("all")
augment = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, elastic=0.2, contrast=0.25, noise=0.1)


class SameBatch(keras.utils.PyDataset):
    """One batch, again and again: the network never waits for it."""

    def __init__(self, batch_size: int):
        super().__init__()
        shape = (batch_size, size, size, 1)
        self.batch = tuple(keras.ops.convert_to_tensor(np.resize(part, shape)) for part in (images, labels))

    def __len__(self) -> int:
        return steps

    def __getitem__(self, index: int) -> tuple:
        return self.batch


def images_per_second(data: keras.utils.PyDataset, batch_size: int) -> float:
    """Return the rate of the second of two epochs. The first one compiles."""
    model.fit(data, verbose=0)
    start = time.perf_counter()
    model.fit(data, verbose=0)
    return len(data) * batch_size / (time.perf_counter() - start)


# %%
# The batch size
# --------------
# Double the batch until an image is less than 5 % faster, or until the memory is full.

batch_size = 4
rates = {batch_size: images_per_second(SameBatch(batch_size), batch_size)}
while 2 * batch_size <= min(largest, len(images)):
    try:
        rates[2 * batch_size] = images_per_second(SameBatch(2 * batch_size), 2 * batch_size)
    except Exception as error:  # each backend has its own exception for a full memory
        if "memory" not in str(error).lower() and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        break
    if rates[2 * batch_size] < 1.05 * rates[batch_size]:
        break
    batch_size *= 2
print(f"batch size {batch_size}: {rates[batch_size]:,.0f} images/s")

# %%
# Does the network wait?
# ----------------------
# The same with new, augmented images in every step. What this takes longer is time in which the network waits. Below
# 5 % there is nothing to win by a faster pipeline.

augmented = dataset.as_pydataset(
    "all", batch_size=batch_size, shuffle=True, augment=augment, seed=0, drop_remainder=True
)
with_augmentation = images_per_second(augmented, batch_size)
without_waiting = images_per_second(SameBatch(batch_size), batch_size)
waiting = max(0.0, 1 - with_augmentation / without_waiting)
print(f"augmented: {with_augmentation:,.0f} images/s, {waiting:.0%} of the time waiting")

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.plot(list(rates), list(rates.values()), "o-", label="one batch, repeated")
axes.plot([batch_size], [with_augmentation], "s", label="new, augmented images")
axes.set(xlabel="batch size", ylabel="images per second", xscale="log", ylim=(0, None))
axes.set_xticks(list(rates), [str(each) for each in rates], minor=False)
axes.minorticks_off()
axes.legend(frameon=False, loc="lower right")
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
