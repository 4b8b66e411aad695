"""A context with its own dtype policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Set the global dtype policy of Keras for a block, and restore it afterwards.

    Args:
        name: Name of the policy, such as `"float32"` or `"mixed_bfloat16"`.

    Example:
        >>> from keras_lvseg.models import unet
        >>> with dtype_policy("mixed_bfloat16"):
        ...     model = unet(filters=2, depth=1)
        >>> model.get_layer("down_0").compute_dtype, keras.config.dtype_policy().name
        ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
