"""Step 1: a fully connected network, and what pixel accuracy hides
================================================================

Short-axis MRI shows the heart in slices. In each slice we look for the cavity of the left ventricle: for every pixel of
the image a network says whether it is cavity or background. These four pages take the road of NVIDIA's course "Image
Segmentation with TensorFlow", from a network that is too simple to one that is good, and mend on the way what
flatters or hinders the course's networks.

Every page runs as it stands, on synthetic hearts; ``--data DIR`` takes real ones.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np
from _common import draw_predictions, find_data, read_options, score_on_test, split_patients

import keras_lvseg
from keras_lvseg.training.devices import preferred_dtype

options = read_options(figure="fully_connected.png", epochs=6)

# %%
# Whole patients are kept apart
# -----------------------------
# The course shuffles images and cuts the heap in two. Slices of one heart look alike, so that a network is then tested
# on hearts that it knows. Here a patient stands on one side only.

data_dir = find_data(options)
dataset = keras_lvseg.SAXDataset(data_dir, splits=split_patients(data_dir), image_size=(256, 256))
images, labels = dataset.as_arrays("train")
print(f"images {images.shape}, of which {labels.mean():.1%} is cavity")

# %%
# The network
# -----------
# All pixels feed 64 hidden units, and these feed two scores for each pixel. That is many millions of weights, and none
# of them knows that two pixels are neighbours.
#
# The scores are logits, and ``SparseSoftmaxCE`` does the softmax. The course has one softmax in the network and lets
# the loss do another: the second brings probabilities closer together, so that even a perfect answer is charged, and
# learning crawls. On a GPU the network computes in bfloat16, on a CPU in float32.

keras.utils.set_random_seed(0)
keras.config.set_dtype_policy(preferred_dtype())
model = keras_lvseg.fully_connected(input_shape=(256, 256, 1), hidden_units=64)
print(f"{model.count_params():,} weights")
model.compile(
    optimizer="adam",
    loss=keras_lvseg.SparseSoftmaxCE(),
    metrics=["accuracy", keras_lvseg.DiceCoefficient()],
)
test_data = dataset.as_arrays("test")  # to look on; nothing is chosen by it
history = model.fit(images, labels, batch_size=8, epochs=options.epochs, validation_data=test_data, verbose=2).history

# %%
# Two scores, two stories
# -----------------------
# The cavity is a few pixels of a hundred. Whoever answers "background" everywhere is right about all others, a splendid
# pixel accuracy; the Dice of that answer, which compares the cavity found with the cavity there, is zero. A network can
# hardly do better than this in accuracy, so accuracy cannot tell whether it has learned anything. Dice can.

evaluation = score_on_test(model, dataset)
nothing_found = np.mean([np.mean(label == 0) for label in evaluation.labels])
accuracy = np.mean([np.mean(mask == label) for mask, label in zip(evaluation.masks, evaluation.labels, strict=True)])
print(f"pixel accuracy {accuracy:.3f}; of the answer 'background everywhere' {nothing_found:.3f}, with a Dice of 0")

# %%
# The pictures show what it has learned: where a heart tends to lie. It draws a ragged blot there, and cannot follow a
# heart that is larger, smaller or elsewhere.

figure = plt.figure(figsize=(11, 4.6), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=(1, 1.35))
axes = left.subplots()
epochs = np.arange(1, options.epochs + 1)
axes.axhline(nothing_found, color="C0", linestyle="--", label="pixel accuracy of 'background everywhere'")
axes.plot(epochs, history["val_accuracy"], "o-", color="C0", label="pixel accuracy")
axes.plot(epochs, history["val_dice_coefficient"], "o-", color="C1", label="Dice")
axes.axhline(0, color="C1", linestyle="--", label="Dice of 'background everywhere'")
axes.set(xlabel="epoch", xticks=epochs, ylim=(-0.03, 1.03), title="Patients not trained on")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(loc="lower right", bbox_to_anchor=(1, 0.06), frameon=False)
draw_predictions(right, evaluation)
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
