"""The dtype that is fastest on the device that Keras computes on."""

from __future__ import annotations

from keras_lvseg.models.gpu import has_gpu


def preferred_dtype() -> str:
    """Return the dtype policy of the fastest training: bfloat16 on a GPU, float32 on a CPU.

    Most CPUs emulate bfloat16.

    Example:
        >>> preferred_dtype() in ("float32", "mixed_bfloat16")
        True
    """
    return "mixed_bfloat16" if has_gpu() else "float32"
