"""A new process: train on the devices that it sees, or as one of several processes.

python train_on_devices.py TREE RUN [ADDRESS PROCESSES PROCESS]
"""

import os
import sys

import keras

# The networks start from equal weights, and a step changes them by as much as the order of a sum does. A high rate, and
# Adam's division by a gradient's size, would blow up that difference.
OPTIONS = {"epochs": 3, "filters": 4, "crop": 32, "batch_size": 4, "seed": 3, "learning_rate": 1e-4}
SPLITS = {"train": ("PHANTOM0001", "PHANTOM0002"), "validation": ("PHANTOM0003",)}


def train_here(tree, run):
    from keras_lvseg.data import SAXDataset
    from keras_lvseg.training import TrainingSettings, train

    dataset = SAXDataset(tree, splits=SPLITS, image_size=(40, 40), pixel_spacing=1.5)
    return train(dataset, run, settings=TrainingSettings(**OPTIONS), resume=True)


if __name__ == "__main__":
    tree, run, *job = sys.argv[1:]
    if job:
        keras.distribution.initialize(job[0], int(job[1]), int(job[2]))
    if keras.backend.backend() == "tensorflow" and (count := int(os.environ.get("LOGICAL_DEVICES", 1))) > 1:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    train_here(tree, run)
