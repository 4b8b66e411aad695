"""A new process: evaluate ten images in batches of several sizes, on one device and on two.

Writes a list of `[devices, batch size, image mean, data set's coefficient, loss]`.
"""

import json
import sys
from pathlib import Path


def two_devices():
    """Return a context in which models are made for two logical CPUs."""
    import contextlib

    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        assert strategy.num_replicas_in_sync == 2
        return strategy.scope()
    devices = keras.distribution.list_devices()
    assert len(devices) == 2
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    return contextlib.nullcontext()


def evaluated(sizes) -> list[list[float]]:
    import keras
    import numpy as np

    from keras_lvseg import DiceCoefficient, SparseDiceCE

    rng = np.random.default_rng(0)
    labels = (rng.random((10, 8, 8, 1)) < np.linspace(0, 0.6, 10)[:, None, None, None]).astype("uint8")
    scores = (labels + rng.normal(0, 0.4, (10, 8, 8, 2)) * [0, 1]).astype("float32")
    scores[..., 0] = 0.5
    image = keras.Input((8, 8, 2))
    model = keras.Model(image, keras.layers.Activation("linear")(image))
    pooled = DiceCoefficient(average="dataset", name="pooled")
    model.compile(loss=SparseDiceCE(), metrics=[DiceCoefficient()], weighted_metrics=[pooled])
    rows = []
    for size in sizes:
        row = model.evaluate(scores, labels, batch_size=size, verbose=0, return_dict=True)
        rows.append([size, row["dice_coefficient"], row["pooled"], row["loss"]])
    return rows


if __name__ == "__main__":
    report = Path(sys.argv[1])
    scope = two_devices()
    with scope:
        report.write_text(json.dumps(evaluated([2, 4, 10])))
