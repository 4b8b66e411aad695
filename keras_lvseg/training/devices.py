"""The devices of a training, and its share of the work if several processes train together."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import keras

from keras_lvseg.errors import invalid_argument
from keras_lvseg.models.gpu import has_gpu


def preferred_dtype() -> str:
    """Return the dtype policy of the fastest training: bfloat16 on a GPU, float32 on a CPU.

    Most CPUs emulate bfloat16.

    Example:
        >>> preferred_dtype() in ("float32", "mixed_bfloat16")
        True
    """
    return "mixed_bfloat16" if has_gpu() else "float32"


@dataclass(frozen=True)
class Devices:
    """Devices that share each batch of a training.

    Attributes:
        names: The devices of all processes, as the backend calls them.
        processes: Number of processes that train together.
        process: Index of this process. The first one, 0, writes the files.
        unused: Number of devices that are left idle.
    """

    names: tuple[str, ...]
    processes: int = 1
    process: int = 0
    unused: int = 0

    @classmethod
    def find(cls, batch_size: int) -> Devices:
        """Return the devices to train on: all GPUs, or the CPU.

        TensorFlow and JAX share a batch between as many devices as divide it. Keras has no distribution for PyTorch,
        which trains on one device.

        Args:
            batch_size: Images per step.

        Raises:
            ValueError: Several processes train together, and their devices do not divide the batch.

        Example:
            >>> Devices.find(4).processes
            1
        """
        found, processes, process = _list_devices()
        if processes > 1:
            if batch_size % len(found):
                raise invalid_argument("batch_size", batch_size, f"a multiple of {len(found)}, the number of devices")
            return cls(found, processes, process)
        shares = [n for n in range(1, len(found) + 1) if batch_size % n == 0]
        used = 1 if keras.backend.backend() == "torch" else max(shares)
        return cls(found[:used], unused=len(found) - used)

    def scope(self) -> AbstractContextManager[object]:
        """Return the context in which a network for these devices is made and trained."""
        if len(self.names) == 1:
            return nullcontext()
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            return tf.distribute.MirroredStrategy(list(self.names)).scope()
        # Each process gives its own part of a batch, see `Sampling`.
        return keras.distribution.DataParallel(devices=list(self.names), auto_shard_dataset=False).scope()

    def describe(self) -> str:
        """Return a line for people, or nothing to say of one device.

        Example:
            >>> Devices(("gpu:0", "gpu:1")).describe()
            '2 devices share each batch'
            >>> Devices(("cuda:0",), unused=1).describe()
            '1 device trains, 1 is idle'
        """
        if len(self.names) == 1 and not self.unused:
            return ""
        share = "1 device trains" if len(self.names) == 1 else f"{len(self.names)} devices share each batch"
        return f"{share}, {self.unused} {'is' if self.unused == 1 else 'are'} idle" if self.unused else share


def _list_devices() -> tuple[tuple[str, ...], int, int]:
    """Return the devices of all processes, GPUs if there are any, the number of processes, and this one's index."""
    match keras.backend.backend():
        case "jax":
            import jax

            return tuple(keras.distribution.list_devices()), jax.process_count(), jax.process_index()
        case "tensorflow":
            import tensorflow as tf

            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            return tuple(device.name for device in devices), 1, 0
        case "torch":
            import torch

            return tuple(f"cuda:{index}" for index in range(torch.cuda.device_count())) or ("cpu",), 1, 0
    return ("cpu",), 1, 0
