"""A training run: from a data set to a run folder."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import MERGED_CLASSES
from keras_lvseg.data.pydataset import SAXPyDataset
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.files import locked_directory
from keras_lvseg.losses import SparseDiceCE, SparseSoftmaxCE
from keras_lvseg.metrics import DiceCoefficient
from keras_lvseg.models.build import build_network
from keras_lvseg.models.dtype_policy import dtype_policy
from keras_lvseg.models.pretrained import PretrainedInfo
from keras_lvseg.phantom import write_phantom
from keras_lvseg.reporting.training_curves import write_training_curves
from keras_lvseg.training.callbacks import Checkpoint, HistoryFile, ProgressBar, TensorBoardLogs
from keras_lvseg.training.devices import Devices, preferred_dtype
from keras_lvseg.training.run_folder import RunFolder
from keras_lvseg.training.settings import AUGMENTATIONS, TrainingSettings

_PHANTOM_SEED = 2009  # not used by demonstrations and tests, which need phantoms that no network was trained on
_SAMPLES = 4  # images in TensorBoard
_VALIDATION_BATCH = 8  # images per device


def train(
    dataset: SAXDataset,
    folder: str | os.PathLike[str],
    *,
    settings: TrainingSettings | None = None,
    console: Console | None = None,
    resume: bool = False,
) -> RunFolder:
    """Train a network on the split "train" of a data set, and write a run folder.

    The split "validation", if there is one, is scored after each epoch. The network of the last epoch is kept. The
    state is saved after each epoch, so that an interrupted run can be resumed.

    All GPUs share each batch on JAX and TensorFlow, and a step is the same as on one device. PyTorch trains on one. On
    JAX several processes may train one network, on one machine or on several: call `keras.distribution.initialize` in
    each before this function, and give all of them the same arguments and a shared folder. The first process writes.

    Args:
        dataset: The data, with a split "train".
        folder: The run folder, new or empty.
        settings: Training hyperparameters. None takes the defaults.
        console: Console for the progress bar. None draws none.
        resume: Continue the run in `folder` after its last complete epoch. Data and settings must be the same, and
            the weights become those of an uninterrupted run. A new or empty folder starts a run, and a finished run
            is returned unchanged. Resume your own runs only, because a checkpoint decides what Keras builds.

    Returns:
        The run folder.

    Raises:
        DataError: The data cannot be read, the folder is not empty, holds another run, is in use by another training
            or was deleted, or the training diverged.
        OSError: A file of the run cannot be written, for example because the disk is full. It names the file.
        ValueError: The data set has no split "train", an intensity function, or images above 1024 x 1024 pixels.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> from keras_lvseg.training import evaluate_run
        >>> hearts, out = tempfile.mkdtemp(), tempfile.mkdtemp()
        >>> _ = write_phantom(hearts, patients=2, frames="contoured")
        >>> splits = {"train": ["PHANTOM0001"], "test": ["PHANTOM0002"]}
        >>> dataset = SAXDataset(hearts, splits=splits, image_size=(32, 32))
        >>> run = train(dataset, out, settings=TrainingSettings(model="fcn", augmentation="none", epochs=1))
        >>> run.network.name
        'network.json'
        >>> [patient.patient_id for patient in evaluate_run(run, hearts).scores.patients]
        ['PHANTOM0002']
    """
    settings = settings or TrainingSettings()
    devices = Devices.find(settings.batch_size)
    with locked_directory(folder) if devices.process == 0 else nullcontext():
        return _train(dataset, folder, settings, devices, console, resume)


def _train(
    dataset: SAXDataset,
    folder: str | os.PathLike[str],
    settings: TrainingSettings,
    devices: Devices,
    console: Console | None,
    resume: bool,
) -> RunFolder:
    info = _describe(settings, dataset)
    if resume and (finished := RunFolder.finished(folder, settings, dataset)):
        return finished
    keras.utils.set_random_seed(settings.seed)
    writes = devices.process == 0
    images, labels = dataset.as_arrays("train")
    train_data = _training_data(dataset, settings, devices, images, labels)
    validation = dataset.as_arrays("validation") if _has_images(dataset, "validation") else None
    images, labels = validation or (images, labels)
    run = RunFolder.start(folder, settings, dataset, resume=resume) if writes else RunFolder(Path(folder))
    begun = run.checkpoint.is_file()
    epochs = settings.epochs_for(len(train_data))
    picked = slice(None, None, -(-len(images) // _SAMPLES))
    every = max(epochs // 10, 1)
    if console is not None and writes and (line := devices.describe()):
        console.print(line)
    with ExitStack() as opened:
        opened.enter_context(devices.scope())
        model = run.load_checkpoint() if begun else _new_model(settings, info, len(train_data), dataset.partial)
        done = int(keras.ops.convert_to_numpy(model.optimizer.iterations)) // len(train_data)
        train_data.start_at(done)
        # On JAX all processes must compute the same. The others write what the first one does and throw it away.
        files = run if writes else RunFolder(Path(opened.enter_context(tempfile.TemporaryDirectory())))
        callbacks: list[keras.callbacks.Callback] = [HistoryFile(files.history, done if writes else 0)]
        if writes:
            samples = None if devices.processes > 1 else (images[picked], labels[picked])
            callbacks.append(opened.enter_context(TensorBoardLogs(run.logs, samples, every)))
        # The checkpoint comes last, so that the history holds every epoch of the checkpoint.
        callbacks.append(Checkpoint(files.checkpoint))
        if writes and console is not None:
            callbacks.append(opened.enter_context(ProgressBar(console, done)))
        model.fit(
            train_data,
            validation_data=None if validation is None else _for_each(validation, devices),
            validation_batch_size=_VALIDATION_BATCH * len(devices.names) // devices.processes,
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,  # the data set shuffles by the run's seed
            callbacks=callbacks,
            verbose=0,
        )
    if not writes:
        return run
    write_training_curves(run.curves, run.history)
    with dtype_policy("float32"):  # for inference on any device
        trained = build_network(info.network, info.architecture)
    trained.set_weights(model.get_weights())
    run.finish(trained, info)
    return run


def _for_each(validation: tuple[np.ndarray, np.ndarray], devices: Devices) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels as often as this process has devices, so that every device sees the same images.

    The number of images need not be a multiple of the devices, and means over images do not change.
    """
    images, labels = (np.repeat(part, len(devices.names) // devices.processes, axis=0) for part in validation)
    return images, labels


def _training_data(
    dataset: SAXDataset, settings: TrainingSettings, devices: Devices, images: np.ndarray, labels: np.ndarray
) -> SAXPyDataset:
    if settings.phantoms:
        synthetic = _phantoms(dataset, settings.phantoms)
        images, labels = (np.concatenate(parts) for parts in zip((images, labels), synthetic, strict=True))
    size = dataset.preprocessing.image_size
    augment = AUGMENTATIONS[settings.augmentation]
    if settings.model == "unet":
        augment = dataclasses.replace(augment, crop=min(settings.crop, *size))
    shared = len(devices.names) > 1
    if shared and len(images) < settings.batch_size:
        raise invalid_argument("batch_size", settings.batch_size, f"at most {len(images)}, the images of the training")
    shard = (devices.process, devices.processes)
    sampling = Sampling(len(images), size, shuffle=True, augment=augment, seed=settings.seed, shard=shard)
    whole_batches = shared or len(images) > settings.batch_size
    own = settings.batch_size // devices.processes
    return SAXPyDataset(images, labels, sampling, batch_size=own, drop_remainder=whole_batches)


def _phantoms(dataset: SAXDataset, patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels of synthetic patients, on the grid of the data set."""
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(folder, patients=patients, seed=_PHANTOM_SEED, frames="contoured")
        grid = {name: getattr(dataset.preprocessing, name) for name in ("image_size", "pixel_spacing", "intensity")}
        labels = {name: getattr(dataset, name) for name in ("target", "contour_origin", "partial")}
        phantoms = SAXDataset(folder, **grid, **labels)
        return phantoms.as_arrays("all")


def _describe(settings: TrainingSettings, dataset: SAXDataset) -> PretrainedInfo:
    """Return the plain values of the network to train."""
    preprocessing, frames = dataset.preprocessing, dataset.labelled_frames("train")
    if dataset.target == "myocardium" and frames and all(frame.epicardium is None for frame in frames):
        hint = "train for the target 'endocardium'"
        raise DataError(dataset.data_dir, "has no myocardium in split 'train': no epicardial contour or label", hint)
    data = {
        "target": dataset.target,
        "image_size": preprocessing.image_size,
        "pixel_spacing": preprocessing.pixel_spacing,
        "intensity": preprocessing.intensity,
        "contour_origin": dataset.contour_origin,
    }
    classes = 3 if dataset.target == "myocardium" else 2
    architecture: dict[str, Any] = {"input_shape": [*preprocessing.image_size, 1], "num_classes": classes}
    match settings.model:
        case "unet":
            architecture |= {"input_shape": [None, None, 1], "filters": settings.filters, "depth": 4}
            architecture |= {"normalization": "batch", "dropout": 0.0, "residual": False}
        case "fcn":
            architecture["filters"] = [100, 200, 300, 300]
        case "fully_connected":
            architecture["hidden_units"] = 64
    return PretrainedInfo(
        network=settings.model,
        architecture=architecture,
        data=data,
        inference={"flip_tta": settings.flip_tta, "postprocess": settings.postprocess},
        training={
            "patients": sorted({frame.patient_id for frame in frames}),
            "images": len(frames),
            **{name: getattr(settings, name) for name in ("phantoms", "epochs", "steps", "seed", "dtype")},
        },
    )


def _new_model(settings: TrainingSettings, info: PretrainedInfo, steps: int, partial: bool) -> keras.Model:
    with dtype_policy(settings.dtype or preferred_dtype()):
        model = build_network(info.network, info.architecture)
    rate = learning_rate_schedule(settings, steps)
    loss = SparseDiceCE if settings.loss == "dice_ce" else SparseSoftmaxCE
    merged = MERGED_CLASSES if partial else {}
    # A pixel of "background or myocardium" says nothing of the myocardium, but it is not cavity.
    unknown = {class_id: label for label, members in merged.items() for class_id in members}
    classes = range(1, info.architecture["num_classes"])
    model.compile(
        optimizer=keras.optimizers.Adam(rate, weight_decay=settings.weight_decay or None),
        loss=loss(merged_classes=merged),
        metrics=[DiceCoefficient(class_id, ignore_class=unknown.get(class_id)) for class_id in classes],
    )
    return model


def learning_rate_schedule(
    settings: TrainingSettings, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate by step, see `TrainingSettings`."""
    if settings.decay_rate is None or settings.decay_steps is None:
        steps = settings.epochs_for(steps_per_epoch) * steps_per_epoch
        return keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    return keras.optimizers.schedules.ExponentialDecay(
        settings.learning_rate, settings.decay_steps, settings.decay_rate, staircase=True
    )


def _has_images(dataset: SAXDataset, split: str) -> bool:
    return split in dataset.info["splits"] and bool(dataset.labelled_frames(split))
