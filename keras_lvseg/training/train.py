"""One training run, from a data set to a run folder."""

from __future__ import annotations

import os

import keras
from rich.console import Console

from keras_lvseg.data import Augmentation, SAXDataset
from keras_lvseg.losses import SparseDiceCE, SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient
from keras_lvseg.models import fcn, fully_connected, unet
from keras_lvseg.reporting.curves import write_curves
from keras_lvseg.training.callbacks import HistoryFile, ProgressBar, TensorBoardLogs
from keras_lvseg.training.devices import preferred_dtype
from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.settings import TrainingSettings

# Patients lie in the scanner as they will and radiographers turn the plane: any rotation is as likely as any other.
AUGMENTATION = Augmentation(rotation=180, scale=0.2, shift=8, flip=True, contrast=0.25, brightness=0.25)

_SAMPLES = 4  # predictions that TensorBoard shows


def train(
    dataset: SAXDataset,
    folder: str | os.PathLike[str],
    settings: TrainingSettings | None = None,
    console: Console | None = None,
) -> RunFolder:
    """Train a network on a data set's split "train" and leave everything that there is to know of it in a folder.

    Where the data set has a split "validation", its figures are followed along; the network is the last epoch's.

    Args:
        dataset: The data, with a split "train".
        folder: The run folder, new or empty.
        settings: The knobs.
        console: Where the progress bar is drawn; None draws none.

    Returns:
        The run folder.

    Raises:
        DataError: The data cannot be read, or the folder holds something already.
    """
    settings = settings or TrainingSettings()
    keras.utils.set_random_seed(settings.seed)
    classes = 3 if dataset.target == "myocardium" else 2
    augment = AUGMENTATION if settings.augment else None
    train_data = dataset.as_pydataset("train", settings.batch_size, shuffle=True, augment=augment, seed=settings.seed)
    watched = "validation" if _has_images(dataset, "validation") else "train"
    images, labels = dataset.as_arrays(watched)
    run = RunFolder.start(folder, settings, dataset)

    model = build_model(settings, dataset.preprocessing.image_size, classes)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate_schedule(settings, len(train_data))),
        loss=SparseDiceCE() if settings.model == "unet" else SparseSoftmaxCE(),
        metrics=[DiceCoefficient(class_id) for class_id in range(1, classes)],
    )
    picked = slice(None, None, -(-len(images) // _SAMPLES))
    every = max(settings.epochs // 10, 1)
    callbacks = [HistoryFile(run.history), TensorBoardLogs(run.logs, images[picked], labels[picked], every)]
    if console is not None:
        callbacks.append(ProgressBar(console))
    model.fit(
        train_data,
        validation_data=(images, labels) if watched == "validation" else None,
        epochs=settings.epochs,
        shuffle=False,  # the data is shuffled by the run's seed; Keras would draw another order on top
        callbacks=callbacks,
        verbose=0,
    )
    write_curves(run.history, run.curves)
    model.save(run.model)
    return run


def build_model(settings: TrainingSettings, image_size: tuple[int, int], classes: int) -> keras.Model:
    """Make the untrained network that the settings name, in the dtype that suits the device."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(preferred_dtype())
    try:
        if settings.model == "fully_connected":
            return fully_connected(image_size, num_classes=classes, hidden_units=64)
        if settings.model == "fcn":
            return fcn((*image_size, 1), num_classes=classes)
        return unet(num_classes=classes, filters=settings.filters)
    finally:
        keras.config.set_dtype_policy(policy)


def learning_rate_schedule(
    settings: TrainingSettings, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate by step, see `TrainingSettings.decay_rate`."""
    if settings.decay_rate is None or settings.decay_steps is None:
        return keras.optimizers.schedules.CosineDecay(settings.learning_rate, settings.epochs * steps_per_epoch)
    return keras.optimizers.schedules.ExponentialDecay(
        settings.learning_rate, settings.decay_steps, settings.decay_rate, staircase=True
    )


def _has_images(dataset: SAXDataset, split: str) -> bool:
    return split in dataset.info["splits"] and bool(dataset.labelled_frames(split))
