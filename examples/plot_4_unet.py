"""Step 4: the U-Net, fine and coarse at once
==========================================

The network of convolutions knows where the heart is and has forgotten where its edge runs. The U-Net goes down as it
does, and on the way up gets the feature maps of the way down handed across, size by size. With a loss that cares for
overlap and with images that are never twice the same, this is the course's solution, and a little more.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from _common import draw_predictions, find_data, read_options, score_on_test, split_patients

import keras_lvseg
from keras_lvseg.data import Augmentation
from keras_lvseg.training.devices import preferred_dtype

options = read_options(figure="unet.png", epochs=8)

# %%
# The data
# --------
# Scanners differ in the width of a pixel. Brought to one width, a heart of a given size is one of a given number of
# pixels. The prediction goes back to each frame's own grid before it is scored, so that what this blurs counts.
#
# A few patients are few examples. So each epoch turns, mirrors, scales, shifts and re-exposes every image anew, and its
# label with it. Patients lie as they will and the plane is turned by hand: any rotation is as likely as any other.

data_dir = find_data(options)
splits = split_patients(data_dir)
dataset = keras_lvseg.SAXDataset(data_dir, splits=splits, image_size=(80, 80), pixel_spacing=2.1)
augment = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, contrast=0.25, brightness=0.25)
train_data = dataset.as_pydataset("train", batch_size=4, shuffle=True, augment=augment, seed=0)

# %%
# The network
# -----------
# A ``UNetBlock`` is two convolutions, each normalized. Down: block, pooling. Up: a ``TransposeUpsample`` doubles height
# and width and stacks what the way down had at that size. All image sizes are welcome. Batches are small and few here,
# so groups of channels are normalized within each image: that is the same in training and after it. These lines are
# what ``keras_lvseg.unet(filters=8, depth=4, normalization="group")`` builds.

keras.utils.set_random_seed(0)
keras.config.set_dtype_policy(preferred_dtype())
image = keras.Input((None, None, 1))
x, skips = image, []
for filters in (8, 16, 32, 64):
    x = keras_lvseg.UNetBlock(filters, normalization="group")(x)
    skips.append((filters, x))
    x = keras.layers.MaxPooling2D(2, padding="same")(x)
x = keras_lvseg.UNetBlock(128, normalization="group")(x)
for filters, skip in reversed(skips):
    x = keras_lvseg.TransposeUpsample(filters)(x, skip)
    x = keras_lvseg.UNetBlock(filters, normalization="group")(x)
logits = keras.layers.Conv2D(2, 1, dtype="float32")(x)
model = keras.Model(image, logits)
print(f"{model.count_params():,} weights")

# %%
# Training
# --------
# Cross-entropy counts pixels, most of which are background; the Dice loss looks at the cavity alone, however small.
# Their sum has the steady gradient of the one and the aim of the other. The learning rate falls along a cosine, which
# leaves no staircase to search for.

schedule = keras.optimizers.schedules.CosineDecay(6e-3, options.epochs * len(train_data))
model.compile(
    optimizer=keras.optimizers.Adam(schedule),
    loss=keras_lvseg.SparseDiceCE(),
    metrics=[keras_lvseg.DiceCoefficient()],
)
test_data = dataset.as_arrays("test")  # to look on; nothing is chosen by it
history = model.fit(train_data, epochs=options.epochs, validation_data=test_data, verbose=2).history

# %%
# The score
# ---------
# All labelled images of patients that the network never saw, from the worst to the best.

evaluation = score_on_test(model, dataset)

figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.35))
axes = left.subplots()
epochs = np.arange(1, options.epochs + 1)
axes.plot(epochs, history["dice_coefficient"], "o-", label="patients trained on, images changed at random")
axes.plot(epochs, history["val_dice_coefficient"], "o-", label="patients not trained on")
axes.set(xlabel="epoch", ylabel="Dice, mean over images", ylim=(0, 1))
axes.spines[["top", "right"]].set_visible(False)
axes.legend(loc="lower right", frameon=False)
draw_predictions(right, evaluation)
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
