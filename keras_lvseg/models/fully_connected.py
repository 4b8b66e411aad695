"""The simplest network of the course: one hidden layer that sees every pixel."""

from __future__ import annotations

import keras

from keras_lvseg.ops.arguments import check_input_shape, check_integer


def fully_connected(
    input_shape: tuple[int, int, int] = (256, 256, 1),
    *,
    num_classes: int = 2,
    hidden_units: int = 512,
    name: str = "fully_connected",
) -> keras.Model:
    """Build a network of one hidden dense layer.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Number of classes, at least 2.
        hidden_units: Number of units of the hidden layer.
        name: Name of the model.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`. The logits are float32 under every
        dtype policy. The channels are last whatever the image data format of Keras is, as in labels, losses and metric.

    Raises:
        ValueError: An argument is invalid.

    Example:
        >>> fully_connected(hidden_units=64).count_params()
        12714048
    """
    check_input_shape(input_shape, fixed=True)
    check_integer("num_classes", num_classes, minimum=2)
    check_integer("hidden_units", hidden_units, minimum=1)
    height, width, _ = input_shape

    image = keras.Input(input_shape, name="image")
    x = keras.layers.Flatten(data_format="channels_last", name="pixels")(image)
    x = keras.layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    x = keras.layers.Dense(height * width * num_classes, dtype="float32", name="scores")(x)
    logits = keras.layers.Reshape((height, width, num_classes), dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name=name)
