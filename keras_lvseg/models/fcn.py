"""The fully convolutional network of the course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from keras_lvseg.errors import invalid_argument
from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.ops.arguments import check_input_shape, check_integer

_STRIDE = 16  # of two strided convolutions and two poolings


def fcn(
    input_shape: tuple[int | None, int | None, int] = (256, 256, 1),
    *,
    num_classes: int = 2,
    filters: Sequence[int] = (100, 200, 300, 300),
    name: str = "fcn",
) -> keras.Model:
    """Build a network of convolutions that scores every 16th pixel and interpolates the scores.

    Its last layer is a transpose convolution. It starts as bilinear interpolation and is trained with the rest.

    Args:
        input_shape: Height, width and channels of the images. Height and width are multiples of 16, or None.
        num_classes: Number of classes, at least 2.
        filters: Output channels of the four convolutions. The first two are 5 x 5 with a stride of 2, each followed by
            a pooling. The last two are 3 x 3.
        name: Name of the model.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`. The logits are float32 under every
        dtype policy. The channels are last whatever the image data format of Keras is, as in labels, losses and metric.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> fcn().count_params()
        1857848

    References:
        - Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015.
    """
    check_input_shape(input_shape, multiple=_STRIDE)
    check_integer("num_classes", num_classes, minimum=2)
    if len(filters) != 4:
        raise invalid_argument("filters", tuple(filters), "four integers")
    for number in filters:
        check_integer("filters", number, minimum=1)

    def convolution(name: str, filters: int, kernel_size: int, **kwargs: Any) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            filters, kernel_size, padding="same", data_format="channels_last", name=name, **kwargs
        )

    def pooling(name: str) -> keras.layers.Layer:
        return keras.layers.MaxPooling2D(2, padding="same", data_format="channels_last", name=name)

    image = keras.Input(input_shape, name="image")
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
    return keras.Model(image, logits, name=name)
