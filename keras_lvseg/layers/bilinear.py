"""The initializer of bilinear interpolation."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_integer
from keras_lvseg.ops.shapes import Tensor


@keras.saving.register_keras_serializable(package="keras_lvseg")
class Bilinear(keras.initializers.Initializer):
    """Weights of a transpose convolution that interpolates each channel bilinearly.

    The kernel is the outer product of two tents, `max(0, 1 - |offset| / factor)`, on the diagonal of the channels.
    `import keras_lvseg` registers it, so that every Keras layer takes the name `"bilinear"`.

    Args:
        factor: How many times finer the grid becomes, the stride of the convolution. None takes the largest factor
            that the kernel can interpolate, `(kernel_size + 1) // 2`.

    Call arguments:
        shape: `(kernel_size, kernel_size, filters, channels)`, with as many filters as channels.
        dtype: dtype of the weights; None means float32.

    Raises:
        ValueError: `factor` is not a positive integer; when called, the shape does not fit.

    Example:
        >>> kernel = Bilinear()((4, 4, 1, 1))
        >>> [float(weight) for weight in kernel[0, :, 0, 0] / kernel[0, 0, 0, 0]]
        [1.0, 3.0, 3.0, 1.0]

    References:
        - Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015.
    """

    def __init__(self, factor: int | None = None):
        if factor is not None:
            check_integer("factor", factor, minimum=1)
        self.factor = factor

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Return the weights, see the class."""
        if len(shape) != 4 or shape[0] != shape[1] or shape[2] != shape[3]:
            raise ValueError(
                "Invalid shape for `bilinear` weights. Expected (kernel_size, kernel_size, filters, channels) with as "
                f"many filters as input channels. Received: shape={tuple(shape)}"
            )
        size = shape[0]
        offset = ops.arange(size, dtype="float32") - (size - 1) / 2
        tent = ops.relu(1.0 - ops.abs(offset) / (self.factor or (size + 1) // 2))
        kernel = tent[:, None, None, None] * tent[None, :, None, None] * ops.eye(*shape[2:])
        return ops.cast(kernel, dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"factor": self.factor}


# Keras finds a registered class by "keras_lvseg>Bilinear" only. This adds the short name.
keras.saving.get_custom_objects()["bilinear"] = Bilinear
