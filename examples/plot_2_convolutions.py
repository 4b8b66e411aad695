"""Step 2: convolutions, the same eye for every place
==================================================

A fully connected network learns each place of the image on its own. A convolution looks at all places with the same
few weights: what it learns of a heart on the left it knows of a heart on the right. This is the network of the
course's second task, which goes down to one score for every 16th pixel and comes back up with a transpose convolution.
"""

import keras
import matplotlib.pyplot as plt
from _common import draw_predictions, find_data, read_options, score_on_test, split_patients

import keras_lvseg
from keras_lvseg.training.devices import preferred_dtype

options = read_options(figure="convolutions.png", epochs=12)

# %%
# The data
# --------
# Patients are kept apart as before. A network of convolutions takes images of many sizes, so that we can let it work on
# the middle of the image, where the heart is, in a quarter of the time. The score at the end is of the whole image all
# the same: what lies outside the cut counts as background.

data_dir = find_data(options)
dataset = keras_lvseg.SAXDataset(data_dir, splits=split_patients(data_dir), image_size=(128, 128))
images, labels = dataset.as_arrays("train")

# %%
# The network
# -----------
# Two strided convolutions, each with a pooling behind it, leave a 16th of height and width; two more convolutions look
# at that small picture, and a last one, of 1 x 1, gives each of its pixels the scores of both classes.
#
# Two things differ from the course. There, a relu stands behind the scores and cuts off all that are negative, half of
# what they could say; here they stay as they are. And there the transpose convolution starts from random weights; here
# it starts as bilinear interpolation, as in the work that brought fully convolutional networks, and learns from there.
#
# The course has 100, 200, 300 and 300 filters, which is what ``fcn()`` builds when asked for nothing else. A quarter of
# them will do for a first look on a CPU.

keras.utils.set_random_seed(0)
keras.config.set_dtype_policy(preferred_dtype())
model = keras_lvseg.fcn(input_shape=(128, 128, 1), filters=(25, 50, 75, 75))
model.summary()
model.compile(
    optimizer=keras.optimizers.Adam(2e-3),
    loss=keras_lvseg.SparseSoftmaxCE(),
    metrics=[keras_lvseg.DiceCoefficient()],
)
model.fit(images, labels, batch_size=4, epochs=options.epochs, verbose=2)

# %%
# What it finds
# -------------
# The prediction now goes where the heart is. Its outline is blunt: a score for every 16th pixel, spread over the pixels
# between, cannot follow an edge, and a small cavity falls between the scores. Left: how sure the network is of each
# pixel of one image of a patient that it never saw.

evaluation = score_on_test(model, dataset)
test_images, test_labels = dataset.as_arrays("test")
middle = len(test_images) // 4
logits = model.predict(test_images[middle : middle + 1], verbose=0)
probability = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[0, ..., 1]

figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.35))
axes = left.subplots()
shown = axes.imshow(probability, cmap="magma", vmin=0, vmax=1)
axes.contour(test_labels[middle, ..., 0], levels=[0.5], colors="#2fd15b", linewidths=1.5)
axes.set(title="Probability of cavity, and the label", xticks=[], yticks=[])
left.colorbar(shown, ax=axes, shrink=0.8)
draw_predictions(right, evaluation)
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
