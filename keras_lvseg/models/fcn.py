"""The fully convolutional network of the course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.ops.arguments import check_integer

_STRIDE = 16  # two strided convolutions and two poolings


def fcn(
    input_shape: tuple[int | None, int | None, int] = (256, 256, 1),
    num_classes: int = 2,
    filters: Sequence[int] = (100, 200, 300, 300),
) -> keras.Model:
    """Build a network of convolutions that scores every 16th pixel and interpolates the scores.

    The transpose convolution at its end starts as bilinear interpolation, and learns from there.

    Args:
        input_shape: Height, width and channels of the images; height and width are multiples of 16, or None.
        num_classes: Number of classes, two or more.
        filters: Channels of the four convolutions: 5 x 5 and 5 x 5, each with a stride of 2 and a pooling
            behind it, then 3 x 3 and 3 x 3.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`, which are float32 under
        every dtype policy. Channels are last whatever keras' image data format is, as in labels, losses and
        metric.

    Raises:
        ValueError: An argument breaks its rule.

    Example:
        >>> fcn().count_params()
        1857848

    References:
        - Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015.
    """
    height, width, channels = input_shape
    for size in (height, width):
        if size is not None and (size < 1 or size % _STRIDE):
            raise ValueError(
                f"`input_shape` needs a height and a width that are multiples of {_STRIDE}, or None. "
                f"Received: input_shape={tuple(input_shape)}"
            )
    check_integer("channels", channels, least=1)
    check_integer("num_classes", num_classes, least=2)
    if len(filters) != 4:
        raise ValueError(f"`filters` needs four numbers. Received: filters={tuple(filters)}")

    def convolution(name: str, filters: int, kernel_size: int, **kwargs: Any) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            filters, kernel_size, padding="same", data_format="channels_last", name=name, **kwargs
        )

    def pooling(name: str) -> keras.layers.Layer:
        return keras.layers.MaxPooling2D(2, padding="same", data_format="channels_last", name=name)

    image = keras.Input((height, width, channels), name="image")
    x = convolution("conv_1", filters[0], 5, strides=2, activation="relu")(image)
    x = pooling("pool_1")(x)
    x = convolution("conv_2", filters[1], 5, strides=2, activation="relu")(x)
    x = pooling("pool_2")(x)
    x = convolution("conv_3", filters[2], 3, activation="relu")(x)
    x = convolution("conv_4", filters[3], 3, activation="relu")(x)
    x = convolution("scores", num_classes, 1)(x)
    logits = TransposeUpsample(
        num_classes,
        factor=_STRIDE,
        kernel_size=2 * _STRIDE - 1,
        kernel_initializer="bilinear",
        data_format="channels_last",
        dtype="float32",
        name="logits",
    )(x)
    return keras.Model(image, logits, name="fcn")
