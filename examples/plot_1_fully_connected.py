"""Step 1: a fully connected network, and what pixel accuracy hides
================================================================

Short-axis MRI shows the heart in slices. The network decides for every pixel of a slice whether it belongs to the
cavity of the left ventricle or to the background. These four pages follow NVIDIA's course "Image Segmentation with
TensorFlow": they start with a network that is too simple and end with a good one. On the way they correct what
flatters or hinders the course's networks.

Every page is a script that runs by itself on synthetic hearts. ``--data DIR`` takes real ones.
"""

import argparse
import functools
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import DiceCoefficient, SAXDataset, SparseSoftmaxCE, fully_connected, patient_split
from keras_lvseg.inference import evaluate
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting import draw_contact_sheet

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", help="folder with DICOM and contours; synthetic hearts if left out")
parser.add_argument("--epochs", type=int, default=6, help="number of epochs")
parser.add_argument("--figure", default="fully_connected.png", help="PNG to write")
options = parser.parse_args()

# %%
# Patients are kept apart
# -----------------------
# The course shuffles all images and then splits them. Slices of one heart look alike, so the network is tested on
# hearts that it was trained on. Here all images of a patient are in one split.

hearts = tempfile.TemporaryDirectory()  # deleted when Python ends
if options.data is None:
    write_phantom(hearts.name, patients=8, seed=0, frames="contoured")
splits = functools.partial(patient_split, validation=0, test=0.25)
dataset = SAXDataset(options.data or hearts.name, splits=splits, image_size=(256, 256))
for name, split in dataset.info["splits"].items():
    print(f"{name}: {', '.join(split['patients'])}")

images, labels = dataset.as_arrays("train")
print(f"images {images.shape}, {labels.mean():.1%} of the pixels are cavity")

# %%
# The network
# -----------
# All pixels feed 64 hidden units, and these feed two scores per pixel. That makes millions of weights, and none of
# them encodes that two pixels are neighbours.
#
# The scores are logits, and ``SparseSoftmaxCE`` applies the softmax. The course applies it twice, once in the network
# and once in the loss. The second softmax moves the probabilities closer together. Then even a perfect prediction has
# a loss, and training is slow.

keras.utils.set_random_seed(0)
model = fully_connected(input_shape=(256, 256, 1), hidden_units=64)
print(f"{model.count_params():,} weights")
model.compile(optimizer="adam", loss=SparseSoftmaxCE(), metrics=["accuracy", DiceCoefficient()])
test_data = dataset.as_arrays("test")  # watched during training; no choice depends on it
history = model.fit(images, labels, batch_size=8, epochs=options.epochs, validation_data=test_data, verbose=2).history

# %%
# Pixel accuracy and Dice
# -----------------------
# About one pixel in a hundred is cavity. A prediction of background everywhere is right for all other pixels: its
# pixel accuracy is high. Its Dice, which compares the predicted cavity with the labelled one, is 0. A network can
# hardly exceed that accuracy, so accuracy does not show whether it has learned anything. Dice does.

evaluation = evaluate(model, dataset.labelled_frames("test"), preprocessing=dataset.preprocessing)
print(f"Dice on patients not trained on: {evaluation.scores.mean_dice:.3f}")

background = np.mean([np.mean(label == 0) for label in evaluation.labels])
accuracy = np.mean([np.mean(mask == label) for mask, label in zip(evaluation.masks, evaluation.labels, strict=True)])
print(f"pixel accuracy {accuracy:.3f}; of 'background everywhere' {background:.3f}, with a Dice of 0")

# %%
# The pictures show what the network has learned: the usual place of a heart. It predicts a ragged shape there, and
# does not follow a heart that is larger, smaller or elsewhere.

figure = plt.figure(figsize=(11, 5), layout="constrained")
left, right = figure.subfigures(1, 2)
axes = left.subplots()
epochs = np.arange(1, options.epochs + 1)
axes.axhline(background, color="C0", linestyle="--", label="pixel accuracy of 'background everywhere'")
axes.plot(epochs, history["val_accuracy"], "o-", color="C0", label="pixel accuracy")
axes.plot(epochs, history["val_dice_coefficient"], "o-", color="C1", label="Dice")
axes.axhline(0, color="C1", linestyle="--", label="Dice of 'background everywhere'")
axes.set(xlabel="epoch", xticks=epochs, ylim=(-0.03, 1.03), title="Patients not trained on")
axes.legend(loc="lower right", bbox_to_anchor=(1, 0.06), frameon=False)
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
