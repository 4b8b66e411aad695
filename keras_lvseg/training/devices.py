"""The device that Keras computes on."""

from __future__ import annotations

import keras


def has_gpu() -> bool:
    """Return whether the Keras backend sees a GPU."""
    if keras.backend.backend() == "torch":  # keras.distribution lists no devices of PyTorch
        import torch

        return torch.cuda.is_available()
    return any(device.startswith(("gpu", "cuda")) for device in keras.distribution.list_devices())


def preferred_dtype() -> str:
    """Return the dtype policy of the fastest training: bfloat16 on a GPU, float32 on a CPU.

    Most CPUs emulate bfloat16.

    Example:
        >>> preferred_dtype() in ("float32", "mixed_bfloat16")
        True
    """
    return "mixed_bfloat16" if has_gpu() else "float32"
