"""Keras callbacks: progress bar, history file, checkpoint and TensorBoard logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from keras_lvseg.files import atomic_file, read_rows, write_rows


class ProgressBar(keras.callbacks.Callback):
    """Progress bar of the whole run, with loss and Dice of the last epoch.

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

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Stop drawing. The full bar stays visible."""
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
        """Add a row."""
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

    Args:
        folder: Folder of the logs.
        images: float32 array of shape (samples, H, W, 1).
        labels: Integer array of the same shape.
        every: Epochs between two images.
    """

    def __init__(self, folder: Path, images: np.ndarray, labels: np.ndarray, every: int):
        super().__init__()
        self._folder, self._images, self._labels, self._every = folder, images, labels, every

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the log."""
        from tensorboardX import SummaryWriter

        self._writer = SummaryWriter(str(self._folder), write_to_disk=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the scalars, and every few epochs the image."""
        for name, value in (logs or {}).items():
            self._writer.add_scalar(name, float(value), epoch + 1)
        if epoch % self._every == 0 or epoch + 1 == self.params["epochs"]:
            logits = keras.ops.convert_to_numpy(self.model(self._images, training=False))
            grid = _side_by_side(self._images, self._labels, logits.argmax(axis=-1)[..., None])
            self._writer.add_image("image, label, prediction", grid, epoch + 1, dataformats="HWC")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the log."""
        self._writer.close()


def _side_by_side(images: np.ndarray, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return one grey image with image, label and prediction per row: uint8 of shape (rows, columns, 1)."""
    low, high = np.percentile(images, (1, 99), axis=(1, 2, 3), keepdims=True)
    grey = np.clip((images - low) / np.maximum(high - low, 1e-6), 0, 1)
    masks = [mask / max(labels.max(), predictions.max(), 1) for mask in (labels, predictions)]
    rows = np.concatenate([grey, *masks], axis=2)
    return (255 * rows.reshape(-1, *rows.shape[2:])).astype(np.uint8)
