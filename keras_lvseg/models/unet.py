"""The U-Net, for images of any height and width."""

from __future__ import annotations

import os
from typing import Any

import keras

from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.layers.unet_block import UNetBlock
from keras_lvseg.ops.arguments import check_integer


def unet(
    input_shape: tuple[int | None, int | None, int] = (None, None, 1),
    num_classes: int = 2,
    filters: int | None = None,
    depth: int = 4,
    normalization: str | None = "batch",
    dropout: float = 0.0,
    residual: bool = False,
    weights: str | os.PathLike[str] | None = None,
) -> keras.Model:
    """Build a U-Net, which gives every pixel of an image of any height and width, odd or tiny, its logits.

    Each level down has twice the filters and half the height and width, rounded up; on the way up, the
    feature maps are cropped to the size that they had on the way down. Nothing of the image is cut off, and
    nothing is scaled.

    Args:
        input_shape: Height, width and channels of the images; height and width may be None.
        num_classes: Number of classes, two or more.
        filters: Channels of the first level; None for 32, or for as many as named weights have.
        depth: How many times the image is halved.
        normalization: Of each convolution, see `UNetBlock`.
        dropout: Share of each block's output to drop while training, from 0 to 1.
        residual: Whether each block adds its input to its output.
        weights: None to start from random weights; the path of a file that `save` or `save_weights` wrote; or the
            name of weights that come with the package, which fixes the architecture. `"sax-lv"` finds the cavity
            of the left ventricle in short-axis images (16 filters, the other arguments as they are by default);
            `keras_lvseg.models.pretrained.pretrained_info` tells what images it wants. Not for clinical use.

    Returns:
        A model from images `(B, H, W, channels)` to logits `(B, H, W, num_classes)`, which are float32 under
        every dtype policy. Channels are last whatever keras' image data format is, as in labels, losses and
        metric.

    Raises:
        ValueError: An argument breaks its rule or contradicts named weights, or `weights` is neither file nor name.

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
    height, width, channels = input_shape
    fixed = _fixed_by(weights)
    filters = fixed.get("filters", 32) if filters is None else filters
    given = {
        "input_shape": [None, None, channels],  # no weight depends on height and width
        "num_classes": num_classes,
        "filters": filters,
        "depth": depth,
        "normalization": normalization,
        "dropout": dropout,
        "residual": residual,
    }
    for argument, due in fixed.items():
        if given.get(argument) != due:
            received = f"{argument}={given.get(argument)!r}"
            raise ValueError(f"`weights={weights!r}` needs `{argument}={due!r}`. Received: {received}")
    check_integer("channels", channels, least=1)
    check_integer("num_classes", num_classes, least=2)
    check_integer("filters", filters, least=1)
    check_integer("depth", depth, least=1)

    def block(name: str, level: int) -> keras.layers.Layer:
        return UNetBlock(
            filters * 2**level,
            normalization=normalization,
            dropout=dropout,
            residual=residual,
            data_format="channels_last",
            name=name,
        )

    image = keras.Input((height, width, channels), name="image")
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

    model = keras.Model(image, logits, name="unet")
    if fixed:
        from keras_lvseg.models.pretrained import load_pretrained

        load_pretrained(model, str(weights))
    elif weights is not None:
        model.load_weights(weights)
    return model


def _fixed_by(weights: str | os.PathLike[str] | None) -> dict[str, Any]:
    """The arguments that named weights leave no choice about; none where the weights are a file or random."""
    if weights is None:
        return {}
    from keras_lvseg.models.pretrained import pretrained_info, pretrained_names  # which import this file

    names = pretrained_names()
    if weights in names:
        return pretrained_info(str(weights))["architecture"]
    if not os.path.isfile(weights):
        raise ValueError(
            f"`weights` must be None, a name of shipped weights ({', '.join(names)}), or the path of a file of "
            f"weights. Received: weights={str(weights)!r}"
        )
    return {}
