"""Whether Keras computes on a GPU."""

from __future__ import annotations

import keras


def has_gpu() -> bool:
    """Return whether the Keras backend sees a GPU.

    Example:
        >>> has_gpu() in (True, False)
        True
    """
    backend = keras.backend.backend()
    if backend == "torch":  # keras.distribution lists no devices of PyTorch
        import torch

        return torch.cuda.is_available()
    if backend not in ("tensorflow", "jax"):  # the others have no keras.distribution, and compute on a CPU
        return False
    return any(device.startswith(("gpu", "cuda")) for device in keras.distribution.list_devices())
