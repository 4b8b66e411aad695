"""Step 2: convolutions, the same weights for every place
======================================================

A fully connected network learns every place of the image separately. A convolution applies the same few weights
everywhere: what it learns from a heart on the left holds for a heart on the right. This is the network of the course's
second task. It computes one score for every 16th pixel, and a transpose convolution enlarges the scores again.
"""

import argparse
import functools
import tempfile

import keras
import matplotlib.pyplot as plt

from keras_lvseg import DiceCoefficient, SAXDataset, SparseSoftmaxCE, fcn, patient_split
from keras_lvseg.inference import evaluate
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting import draw_contact_sheet

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", help="folder with DICOM and contours; synthetic hearts if left out")
parser.add_argument("--epochs", type=int, default=12, help="number of epochs")
parser.add_argument("--figure", default="convolutions.png", help="PNG to write")
options = parser.parse_args()

# %%
# The data
# --------
# The patients are split as before. The network trains on the middle of the image, where the heart is, in a quarter of
# the time. The score at the end is that of the whole image: pixels outside the crop count as background.

hearts = tempfile.TemporaryDirectory()  # deleted when Python ends
if options.data is None:
    write_phantom(hearts.name, patients=8, seed=0, frames="contoured")
splits = functools.partial(patient_split, validation=0, test=0.25)
dataset = SAXDataset(options.data or hearts.name, splits=splits, image_size=(128, 128))
for name, split in dataset.info["splits"].items():
    print(f"{name}: {', '.join(split['patients'])}")

# %%
# The network
# -----------
# Two strided convolutions, each followed by pooling, reduce height and width to a 16th. Two more convolutions follow,
# and a last one, of 1 x 1, gives the scores of both classes.
#
# Two things differ from the course. The course has a relu after the scores, which cuts off all negative ones. Here they
# stay as they are. The course's transpose convolution starts from random weights. Here it starts as bilinear
# interpolation, as in the paper on fully convolutional networks.
#
# The course has 100, 200, 300 and 300 filters, the default of ``fcn()``. A quarter of them is enough for a first look
# on a CPU.

keras.utils.set_random_seed(0)
model = fcn(input_shape=(128, 128, 1), filters=(25, 50, 75, 75))
model.summary()
model.compile(keras.optimizers.Adam(2e-3), loss=SparseSoftmaxCE(), metrics=[DiceCoefficient()])
model.fit(*dataset.as_arrays("train"), batch_size=4, epochs=options.epochs, verbose=2)

# %%
# The result
# ----------
# The predictions are where the hearts are, with blunt contours: scores for every 16th pixel, interpolated, do not
# follow an edge, and a small cavity fits between them. The left picture shows the predicted probability for one image
# of a patient that the network was not trained on.

evaluation = evaluate(model, dataset.labelled_frames("test"), preprocessing=dataset.preprocessing)
print(f"Dice on patients not trained on: {evaluation.scores.mean_dice:.3f}")

test_images, test_labels = dataset.as_arrays("test")
shown = len(test_images) // 4
logits = model.predict(test_images[shown : shown + 1], verbose=0)
probability = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[0, ..., 1]

figure = plt.figure(figsize=(11, 5), layout="constrained")
left, right = figure.subfigures(1, 2)
axes = left.subplots()
heat = axes.imshow(probability, cmap="magma", vmin=0, vmax=1)
axes.contour(test_labels[shown, ..., 0], levels=[0.5], colors="#2fd15b", linewidths=1.5)
axes.set(title="Probability of cavity, and the label", xticks=[], yticks=[])
left.colorbar(heat, ax=axes, shrink=0.8)
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
