"""The U-Net, for images of any height and width."""

from __future__ import annotations

import os
from typing import Any, Literal

import keras

from keras_lvseg.errors import invalid_argument
from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.layers.unet_block import UNetBlock
from keras_lvseg.models.pretrained import load_pretrained, pretrained_info, pretrained_names
from keras_lvseg.ops.arguments import check_choice, check_input_shape, check_integer

_DEFAULTS = {"num_classes": 2, "filters": 32, "depth": 4, "normalization": "batch"}


def unet(
    input_shape: tuple[int | None, int | None, int] = (None, None, 1),
    *,
    num_classes: int | None = None,
    filters: int | None = None,
    depth: int | None = None,
    normalization: Literal["batch", "group", "instance", "layer", "none"] | None = None,
    dropout: float = 0.0,
    residual: bool = False,
    weights: str | os.PathLike[str] | None = None,
    name: str = "unet",
) -> keras.Model:
    """Build a U-Net for images of any height and width, including odd and very small ones.

    Each level down has twice the filters and half the height and width, rounded up. On the way up the feature maps are
    cropped to the size that they had on the way down. The image itself is neither cropped nor resampled.

    Args:
        input_shape: Height, width and channels of the images. Height and width may be None.
        num_classes: Number of classes, at least 2. None means that of the named weights, else 2.
        filters: Output channels of the first level. None means that of the named weights, else 32.
        depth: Number of times that the grid is halved. None means that of the named weights, else 4.
        normalization: Normalization after each convolution: `"batch"`, `"group"`, `"instance"` or `"layer"` as in
            `UNetBlock`, or `"none"`. None means that of the named weights, else `"batch"`.
        dropout: Fraction of the output of each block to drop during training, from 0 to 1.
        residual: Whether each block adds its input to its output.
        weights: None for random weights, the name of bundled weights, or the path of a file of `save` or
            `save_weights`. A name fixes the architecture. `"sax-lv"` finds cavity and myocardium of the left
            ventricle in short-axis images: classes 1 and 2. `keras_lvseg.models.pretrained.pretrained_info` describes
            the images that it expects. Not for clinical use.
        name: Name of the model.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`. The logits are float32 under every
        dtype policy. The channels are last whatever the image data format of Keras is, as in labels, losses and metric.

    Raises:
        ValueError: An argument is invalid or contradicts the named weights, or `weights` is neither a name nor a file.

    Example:
        >>> import keras
        >>> model = unet(filters=4, depth=2)
        >>> model(keras.ops.ones((1, 5, 7, 1))).shape[1:] == (5, 7, 2)
        True
        >>> unet(weights="sax-lv").get_layer("down_0").filters
        16

    References:
        - Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
    """
    check_input_shape(input_shape)
    bundled = _bundled_architecture(weights)
    given = {"num_classes": num_classes, "filters": filters, "depth": depth, "normalization": normalization}
    chosen: dict[str, Any] = {
        key: bundled.get(key, default) if given[key] is None else given[key] for key, default in _DEFAULTS.items()
    }
    # No weight depends on height and width.
    architecture = {**chosen, "input_shape": [None, None, input_shape[-1]], "dropout": dropout, "residual": residual}
    for key, value in bundled.items():
        if architecture[key] != value:
            raise invalid_argument(key, architecture[key], f"{value!r}, as in the weights {weights!r}")
    num_classes, filters, depth, normalization = chosen.values()
    check_integer("num_classes", num_classes, minimum=2)
    check_integer("filters", filters, minimum=1)
    check_integer("depth", depth, minimum=1)
    check_choice("normalization", normalization, ("batch", "group", "instance", "layer", "none"))

    def block(name: str, level: int) -> keras.layers.Layer:
        return UNetBlock(
            filters * 2**level,
            normalization=None if normalization == "none" else normalization,
            dropout=dropout,
            residual=residual,
            data_format="channels_last",
            name=name,
        )

    image = keras.Input(input_shape, name="image")
    x, skips = image, []
    for level in range(depth):
        x = block(f"down_{level}", level)(x)
        skips.append(x)
        x = keras.layers.MaxPooling2D(2, padding="same", data_format="channels_last", name=f"pool_{level}")(x)
    x = block("bottom", depth)(x)
    for level in reversed(range(depth)):
        up = TransposeUpsample(filters * 2**level, data_format="channels_last", name=f"upsample_{level}")
        x = block(f"up_{level}", level)(up(x, skips[level]))
    logits = keras.layers.Conv2D(num_classes, 1, data_format="channels_last", dtype="float32", name="logits")(x)

    model = keras.Model(image, logits, name=name)
    if bundled:
        load_pretrained(model, str(weights))
    elif weights is not None:
        model.load_weights(weights)
    return model


def _bundled_architecture(weights: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Return the architecture of bundled weights, or an empty dictionary for a file or random weights."""
    names = pretrained_names()
    if weights in names:
        return dict(pretrained_info(str(weights)).architecture)
    if weights is not None and not os.path.isfile(weights):
        expected = f"None, the name of bundled weights ({', '.join(names)}) or the path of a file of weights"
        raise invalid_argument("weights", str(weights), expected)
    return {}
