"""What Keras computes on."""

from __future__ import annotations

import keras


def has_gpu() -> bool:
    """Whether the running Keras backend sees a GPU."""
    if keras.backend.backend() == "torch":  # for which keras.distribution lists no devices
        import torch

        return torch.cuda.is_available()
    return any(device.startswith(("gpu", "cuda")) for device in keras.distribution.list_devices())


def preferred_dtype() -> str:
    """The dtype policy that trains fastest: bfloat16 on a GPU, float32 on a CPU: most emulate bfloat16."""
    return "mixed_bfloat16" if has_gpu() else "float32"
