"""Step 3: Dice as the metric, and a search for a learning rate
============================================================

Dice shows which of two settings is better. The course's third task varies the learning rate and its decay: every
``decay_steps`` steps the rate is multiplied by ``decay_rate``.
"""

import argparse
import functools
import itertools
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import DiceCoefficient, SAXDataset, SparseSoftmaxCE, fcn, patient_split
from keras_lvseg.inference import evaluate
from keras_lvseg.phantom import write_phantom

parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
parser.add_argument("--data", help="folder with DICOM and contours; synthetic hearts if left out")
parser.add_argument("--epochs", type=int, default=5, help="number of epochs")
parser.add_argument("--figure", default="dice_and_schedule.png", help="PNG to write")
options = parser.parse_args()

# %%
# Three splits
# ------------
# The best score of many settings is partly luck, and luck does not carry over to new patients. So the settings are
# chosen by the validation patients, and the test patients are scored once, at the end. The course chooses and reports
# on the same images. A coarse pixel spacing of 1.8 mm makes the search fast.

hearts = tempfile.TemporaryDirectory()  # deleted when Python ends
if options.data is None:
    write_phantom(hearts.name, patients=8, seed=0, frames="contoured")
splits = functools.partial(patient_split, validation=0.15, test=0.25)
dataset = SAXDataset(options.data or hearts.name, splits=splits, image_size=(96, 96), pixel_spacing=1.8)
for name, split in dataset.info["splits"].items():
    print(f"{name}: {', '.join(split['patients'])}")
train_data, validation_data = dataset.as_arrays("train"), dataset.as_arrays("validation")

# %%
# The metric
# ----------
# ``DiceCoefficient`` is twice the overlap of prediction and label over the sum of their areas. The course's function
# is written for 256 x 256 pixels, averages over batches, and adds 1 to numerator and denominator. With that 1, a small
# cavity that is not found at all scores more than 0. The metric takes any shape, gives the mean over images for every
# batch size, and scores 0 for a cavity that is not found.

BATCH_SIZE = 4
total_steps = options.epochs * -(-len(train_data[0]) // BATCH_SIZE)
learning_rates = (2e-3, 8e-3)
decay_rates = (0.4, 0.8)
decay_steps = (-(-total_steps // 6), -(-total_steps // 2))


def train(schedule: keras.optimizers.schedules.LearningRateSchedule) -> tuple[keras.Model, float]:
    """Train from the same initial weights every time; return the network and its Dice on the validation patients."""
    keras.utils.set_random_seed(0)
    model = fcn(input_shape=(96, 96, 1), filters=(16, 32, 48, 48))
    model.compile(keras.optimizers.Adam(schedule), SparseSoftmaxCE(), metrics=[DiceCoefficient()])
    model.fit(*train_data, batch_size=BATCH_SIZE, epochs=options.epochs, verbose=0)
    return model, model.evaluate(*validation_data, verbose=0, return_dict=True)["dice_coefficient"]


# %%
# The search
# ----------

runs = []
print("learning_rate  decay_rate  decay_steps  validation Dice")
for learning_rate, rate, steps in itertools.product(learning_rates, decay_rates, decay_steps):
    schedule = keras.optimizers.schedules.ExponentialDecay(learning_rate, steps, rate, staircase=True)
    model, dice = train(schedule)
    runs.append((dice, schedule, model))
    print(f"{learning_rate:13g}  {rate:10g}  {steps:11d}  {dice:15.3f}", flush=True)
dices = [dice for dice, _, _ in runs]
best = int(np.argmax(dices))

# %%
# The choice
# ----------
# The network of the best run is scored on the test patients, and this score is the one to report. It does not compare
# with the scores of the other pages: the network is smaller, and the validation patients are missing from training.

evaluation = evaluate(runs[best][2], dataset.labelled_frames("test"), preprocessing=dataset.preprocessing)
print(f"Dice on patients not trained on: {evaluation.scores.mean_dice:.3f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
steps = np.arange(total_steps)
for i, (dice, schedule, _) in enumerate(runs):
    colour = plt.cm.viridis(dice / max(max(dices), 1e-6))
    rates = keras.ops.convert_to_numpy(schedule(steps))
    left.step(steps, rates, where="post", color=colour, linewidth=3.5 if i == best else 1.5)
left.set(yscale="log", xlabel="step", ylabel="learning rate", title="Schedules; the wide one was chosen")
table = np.reshape(dices, (len(learning_rates), -1))
shown = right.imshow(table, cmap="viridis", vmin=0, vmax=max(dices), aspect="auto")
for (row, column), dice in np.ndenumerate(table):
    right.text(column, row, f"{dice:.3f}", ha="center", va="center", color="w" if dice < 0.6 * max(dices) else "k")
names = [f"x {rate:g} every\n{steps} steps" for rate, steps in itertools.product(decay_rates, decay_steps)]
right.set_xticks(range(len(names)), names)
right.set_yticks(range(len(learning_rates)), [f"{rate:g}" for rate in learning_rates])
right.set(ylabel="initial learning rate", title="Dice of the validation patients")
figure.colorbar(shown, ax=right)
figure.savefig(options.figure, dpi=120)
print(f"figure in {options.figure}")
