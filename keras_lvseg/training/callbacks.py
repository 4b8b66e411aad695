"""Keras callbacks: progress bar, history file, checkpoint and TensorBoard logs."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_file, read_rows, write_rows


class ProgressBar(keras.callbacks.Callback):
    """Progress bar of the whole run, with loss and Dice of the last epoch. It is drawn until its block ends.

    Args:
        console: Console to draw it on.
        done: Number of epochs finished by an earlier process.
    """

    def __init__(self, console: Console, done: int = 0):
        super().__init__()
        self._done = done
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, TextColumn("{task.description}"), console=console)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Draw the empty bar."""
        self._task = self._bar.add_task("", total=self.params["epochs"], completed=self._done)
        self._bar.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance the bar by one epoch."""
        logs = logs or {}
        names = {"loss": "loss", "dice_coefficient": "Dice", "val_dice_coefficient": "validation Dice"}
        shown = [f"{name} {logs[key]:.3f}" for key, name in names.items() if key in logs]
        self._bar.update(self._task, advance=1, description="  ".join(shown))

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: object) -> None:
        """Stop drawing, also after an error, because the terminal's cursor is hidden. The bar stays visible."""
        if self._bar.live.is_started:
            self._bar.stop()


class HistoryFile(keras.callbacks.Callback):
    """Loss and Dice of each epoch as CSV, written atomically after every epoch.

    Args:
        path: The file.
        done: Number of epochs finished by an earlier process. Their rows stay.
    """

    def __init__(self, path: Path, done: int = 0):
        super().__init__()
        self._path = path
        self._rows: list[dict[str, Any]] = list(read_rows(path)[:done]) if done else []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Add a row.

        Raises:
            DataError: The folder was deleted. Without its other files, the rest of the run would be of no use.
        """
        if not (self._path.is_file() if self._rows else self._path.parent.is_dir()):
            raise DataError(self._path.parent, "was deleted during the training", "train again in a new folder")
        row = {name: float(value) for name, value in (logs or {}).items()}
        self._rows.append({"epoch": epoch + 1, **row, "learning_rate": float(self.model.optimizer.learning_rate)})
        write_rows(self._path, self._rows)


class Checkpoint(keras.callbacks.Callback):
    """Network and optimizer after each epoch, written atomically.

    Args:
        path: The file, ending in .keras.
    """

    def __init__(self, path: Path):
        super().__init__()
        self._path = path

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the network."""
        with atomic_file(self._path) as scratch:
            self.model.save(scratch)


class TensorBoardLogs(keras.callbacks.Callback):
    """TensorBoard logs: scalars of every epoch, and an image of sample predictions. Needs no TensorFlow.

    The log is open until the block of these logs ends. It is not written by tensorboardX's `SummaryWriter`. Its
    thread ends on a full disk, and the training would then wait for it without end.

    Args:
        folder: Folder of the logs.
        samples: float32 images of shape (samples, H, W, 1), and integer labels of the same shape. None draws none.
        every: Epochs between two images.
    """

    def __init__(self, folder: Path, samples: tuple[np.ndarray, np.ndarray] | None, every: int):
        super().__init__()
        self._folder, self._samples, self._every = folder, samples, every

    def __enter__(self) -> TensorBoardLogs:
        """Open the log."""
        from tensorboardX.event_file_writer import EventsWriter

        self._folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(self._folder / "events"))
        return self

    def __exit__(self, *error: object) -> None:
        """Close the log."""
        with suppress(OSError):  # every epoch was flushed, and the error of a full disk is on its way
            self._writer.close()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the scalars, and every few epochs the image.

        Raises:
            OSError: The disk is full. Its `filename` is the folder.
        """
        from tensorboardX import summary

        values = [summary.scalar(name, float(value)) for name, value in (logs or {}).items()]
        if self._samples and (epoch % self._every == 0 or epoch + 1 == self.params["epochs"]):
            logits = keras.ops.convert_to_numpy(self.model(self._samples[0], training=False))
            grid = _side_by_side(*self._samples, logits.argmax(axis=-1)[..., None])
            values.append(summary.image("image, label, prediction", grid, dataformats="HWC"))
        try:
            self._write(values, epoch + 1)
        except OSError as error:
            error.filename = str(self._folder)
            raise

    def _write(self, values: list[Any], step: int) -> None:
        from tensorboardX.proto.event_pb2 import Event

        for value in values:
            self._writer.write_event(Event(wall_time=time.time(), step=step, summary=value))
        self._writer.flush()


def _side_by_side(images: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return one grey image with image, label and prediction per row: uint8 of shape (rows, columns, 1)."""
    low, high = np.percentile(images, (1, 99), axis=(1, 2, 3), keepdims=True)
    grey = np.clip((images - low) / np.maximum(high - low, 1e-6), 0, 1)
    masks = [mask / max(labels.max(), predictions.max(), 1) for mask in (labels, predictions)]
    rows = np.concatenate([grey, *masks], axis=2)
    return (255 * rows.reshape(-1, *rows.shape[2:])).astype(np.uint8)
