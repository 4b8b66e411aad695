"""Loading of Keras and its backend without the messages of their libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import typer

_ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_GPU_FILES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/accel0")  # NVIDIA, AMD, Windows' Linux, TPU


def load_backend(*, find_devices: bool = True, join: bool = False) -> None:
    """Import Keras and its backend, and find the devices.

    TensorFlow's libraries write a dozen lines about the processor and a missing GPU to stderr, at any log level. They
    are shown only if loading fails.

    Args:
        find_devices: Whether to take the devices. TensorFlow takes most of a GPU's memory.
        join: Whether to join the other processes of a training, if the environment names them.

    Raises:
        BadParameter: The environment names several processes, and the backend is not JAX.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _held_back_stderr():
        import keras

        on_jax = keras.backend.backend() == "jax"
        joins = join and _ADDRESSES in os.environ
        if joins and on_jax:
            keras.distribution.initialize()  # before the first tensor
        if find_devices:
            keras.ops.zeros(())  # the first tensor looks for a GPU
    if joins and not on_jax:
        raise typer.BadParameter(f"{_ADDRESSES} is set. Several processes train on JAX alone: set KERAS_BACKEND=jax")


def choose_backend(engine: str) -> None:
    """Choose the backend of Keras for a command that computes networks with an engine.

    Keras on its OpenVINO backend loads without TensorFlow, in half of the time. An engine does not compute with Keras.

    Args:
        engine: An engine of `keras_lvseg.Segmenter`.
    """
    wanted = engine == "openvino" or (engine == "auto" and not _may_have_gpu())
    free = "KERAS_BACKEND" not in os.environ and "keras" not in sys.modules
    if wanted and free and all(map(find_spec, ("openvino", "onnx"))):
        os.environ["KERAS_BACKEND"] = "openvino"


def _may_have_gpu() -> bool:
    """Return whether a library might find a GPU, without loading one."""
    return sys.platform != "linux" or any(map(os.path.exists, _GPU_FILES))


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Hold back what the block writes to the process's stderr; show it only if the block raises."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
