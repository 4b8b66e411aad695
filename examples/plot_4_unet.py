"""Step 4: the U-Net, fine and coarse at once
==========================================

The network of convolutions finds the heart and loses its contour. The U-Net goes down to coarse feature maps as well.
On the way up it gets the feature maps of the way down by skips, one per size. A loss with Dice in it and augmentation
complete the course's solution.
"""

import argparse
import functools
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import DiceCoefficient, SAXDataset, SparseDiceCE, TransposeUpsample, UNetBlock, patient_split
from keras_lvseg.data import Augmentation
from keras_lvseg.inference import evaluate
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting import draw_contact_sheet

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", help="folder with DICOM and contours; synthetic hearts if left out")
parser.add_argument("--epochs", type=int, default=8, help="number of epochs")
parser.add_argument("--figure", default="unet.png", help="PNG to write")
options = parser.parse_args()

# %%
# The data
# --------
# Scanners differ in pixel spacing. Resampled to one spacing, hearts of one size have one number of pixels. The
# prediction is resampled to the frame's own grid before it is scored, so the blur counts as an error.
#
# A few patients are few examples. So every epoch rotates, flips, scales and shifts each image anew, and changes its
# brightness. The label moves with the image. Every rotation is as likely as any other, because the orientation of the
# slice differs from patient to patient.

hearts = tempfile.TemporaryDirectory()  # deleted when Python ends
if options.data is None:
    write_phantom(hearts.name, patients=8, seed=0, frames="contoured")
splits = functools.partial(patient_split, validation=0, test=0.25)
dataset = SAXDataset(options.data or hearts.name, splits=splits, image_size=(80, 80), pixel_spacing=2.1)
for name, split in dataset.info["splits"].items():
    print(f"{name}: {', '.join(split['patients'])}")
augment = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, contrast=0.25, brightness=0.25)
train_data = dataset.as_pydataset("train", batch_size=4, shuffle=True, augment=augment, seed=0)

# %%
# The network
# -----------
# A ``UNetBlock`` is two convolutions, each normalized. Down: a block, then pooling. Up: a ``TransposeUpsample`` doubles
# height and width and adds the channels of the skip, then a block. Images of every size fit. Batches are small here, so
# groups of channels are normalized within each image. ``keras_lvseg.unet(filters=8, depth=4, normalization="group")``
# builds the same network.

keras.utils.set_random_seed(0)
image = keras.Input((None, None, 1))
x, skips = image, []
for filters in (8, 16, 32, 64):
    x = UNetBlock(filters, normalization="group")(x)
    skips.append((filters, x))
    x = keras.layers.MaxPooling2D(2, padding="same")(x)
x = UNetBlock(128, normalization="group")(x)
for filters, skip in reversed(skips):
    x = TransposeUpsample(filters)(x, skip)
    x = UNetBlock(filters, normalization="group")(x)
logits = keras.layers.Conv2D(2, 1, dtype="float32")(x)
model = keras.Model(image, logits)
print(f"{model.count_params():,} weights")

# %%
# Training
# --------
# Cross-entropy counts pixels, most of which are background. Soft Dice looks at the cavity alone, however small. Their
# sum has the steady gradient of the one and the aim of the other. The learning rate falls along a cosine, so there is
# no decay to search for.

schedule = keras.optimizers.schedules.CosineDecay(6e-3, options.epochs * len(train_data))
model.compile(keras.optimizers.Adam(schedule), loss=SparseDiceCE(), metrics=[DiceCoefficient()])
test_data = dataset.as_arrays("test")  # watched during training; no choice depends on it
history = model.fit(train_data, epochs=options.epochs, validation_data=test_data, verbose=2).history

# %%
# The score
# ---------
# All labelled images of patients that the network was not trained on.

evaluation = evaluate(model, dataset.labelled_frames("test"), preprocessing=dataset.preprocessing)
print(f"Dice on patients not trained on: {evaluation.scores.mean_dice:.3f}")

figure = plt.figure(figsize=(11, 5), layout="constrained")
left, right = figure.subfigures(1, 2)
axes = left.subplots()
epochs = np.arange(1, options.epochs + 1)
axes.plot(epochs, history["dice_coefficient"], "o-", label="patients trained on, augmented")
axes.plot(epochs, history["val_dice_coefficient"], "o-", label="patients not trained on")
axes.set(xlabel="epoch", ylabel="Dice, mean over images", ylim=(0, 1))
axes.legend(loc="lower right", frameon=False)
dices = [image.dice for image in evaluation.scores.images]
draw_contact_sheet(
    right,
    evaluation.frames,
    labels=evaluation.labels,
    masks=evaluation.masks,
    dices=dices,
    count=4,
    columns=1,
)
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
