"""Loading of Keras and its backend without the messages of their libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def load_backend(*, find_devices: bool = True) -> None:
    """Import Keras and its backend, and find the devices.

    TensorFlow's libraries write a dozen lines about the processor and a missing GPU to stderr, at any log level. They
    are shown only if loading fails.

    Args:
        find_devices: Whether to take the devices. TensorFlow takes most of a GPU's memory.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _held_back_stderr():
        import keras

        if find_devices:
            keras.ops.zeros(())  # the first tensor looks for a GPU


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
