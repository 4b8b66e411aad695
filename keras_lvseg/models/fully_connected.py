"""The simplest network of the course: every pixel is connected with every other."""

from __future__ import annotations

import keras

from keras_lvseg.ops.arguments import check_integer


def fully_connected(
    image_size: tuple[int, int] = (256, 256), channels: int = 1, num_classes: int = 2, hidden_units: int = 512
) -> keras.Model:
    """Build a network of one hidden dense layer.

    Args:
        image_size: Height and width of the images.
        channels: Channels of the images.
        num_classes: Number of classes, two or more.
        hidden_units: Units of the hidden layer.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`, which are float32 under
        every dtype policy. Channels are last whatever keras' image data format is, as in labels, losses and
        metric.

    Raises:
        ValueError: An argument breaks its rule.

    Example:
        >>> fully_connected(hidden_units=64).count_params()
        12714048
    """
    height, width = image_size
    check_integer("image_size", height, least=1)
    check_integer("image_size", width, least=1)
    check_integer("channels", channels, least=1)
    check_integer("num_classes", num_classes, least=2)
    check_integer("hidden_units", hidden_units, least=1)

    image = keras.Input((height, width, channels), name="image")
    x = keras.layers.Flatten(data_format="channels_last", name="pixels")(image)
    x = keras.layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    x = keras.layers.Dense(height * width * num_classes, dtype="float32", name="scores")(x)
    logits = keras.layers.Reshape((height, width, num_classes), dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="fully_connected")
