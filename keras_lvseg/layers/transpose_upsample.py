"""A transpose convolution to a finer grid that takes a skip connection."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

from keras_lvseg.layers.bilinear import Bilinear
from keras_lvseg.ops.arguments import check_choice, check_integer
from keras_lvseg.ops.shapes import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_lvseg")
class TransposeUpsample(keras.layers.Layer):
    """Transpose convolution that makes one pixel into `factor` x `factor`.

    A second input, `skip`, is a skip connection. The upsampled feature maps are cropped, or padded with zeros, at the
    bottom and on the right to the height and width of `skip`. Both are then stacked on the channel axis, the upsampled
    channels first. A pooling layer with "same" padding rounds odd sizes up; this removes what the rounding added.

    Args:
        filters: Number of output channels of the convolution.
        factor: How many times finer the grid becomes.
        kernel_size: Height and width of the kernel, at least `factor`. None means `factor`. With `"bilinear"` it must
            be at least `2 * factor - 1`, and None means the smallest symmetric kernel, `2 * factor - factor % 2`.
        kernel_initializer: Initializer of the kernel, or its name. With `"bilinear"` the layer starts as bilinear
            interpolation of each channel; `filters` must then equal the number of input channels.
        kernel_regularizer: Regularizer of the kernel, its name, or None.
        data_format: `"channels_last"`, `"channels_first"`, or None for the setting of Keras.
        **kwargs: `name`, `dtype` and the other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Feature maps of the coarse grid.
        skip: Feature maps of the fine grid, or None.

    Input shape:
        `(B, h, w, channels)`, and `(B, H, W, skip_channels)` for `skip`. With `"channels_first"` the channels are
        second.

    Output shape:
        `(B, factor * h, factor * w, filters)`, or `(B, H, W, filters + skip_channels)` with `skip`. With
        `"channels_first"` the channels are second.

    Raises:
        ValueError: An argument is invalid, the layer is called with a list, or `"bilinear"` is used with another number
            of channels than `filters`.

    Example:
        >>> import keras
        >>> layer = TransposeUpsample(4)
        >>> layer(keras.ops.ones((1, 3, 3, 8)), keras.ops.ones((1, 5, 6, 2))).shape[1:] == (5, 6, 6)
        True

    References:
        - Long et al., "Fully Convolutional Networks for Semantic Segmentation", 2015 (bilinear weights).
    """

    def __init__(
        self,
        filters: int,
        factor: int = 2,
        *,
        kernel_size: int | None = None,
        kernel_initializer: str | dict[str, Any] | keras.initializers.Initializer = "glorot_uniform",
        kernel_regularizer: str | dict[str, Any] | keras.regularizers.Regularizer | None = None,
        data_format: Literal["channels_last", "channels_first"] | None = None,
        **kwargs: Any,
    ):
        check_integer("filters", filters, minimum=1)
        check_integer("factor", factor, minimum=1)
        kernel_initializer = keras.initializers.get(kernel_initializer)
        default_size = min_size = factor
        if isinstance(kernel_initializer, Bilinear):
            kernel_initializer = Bilinear(kernel_initializer.factor or factor)
            default_size, min_size = 2 * factor - factor % 2, 2 * factor - 1
        kernel_size = default_size if kernel_size is None else kernel_size
        check_integer("kernel_size", kernel_size, minimum=min_size)
        super().__init__(**kwargs)
        self.filters = filters
        self.factor = factor
        self.kernel_size = kernel_size
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))
        self._upsample = keras.layers.Conv2DTranspose(
            filters,
            kernel_size,
            strides=factor,
            padding="same",
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="upsample",
        )

    def build(self, inputs_shape: Shape, skip_shape: Shape | None = None) -> None:
        """Create the weights.

        Args:
            inputs_shape: Shape of the coarse feature maps.
            skip_shape: Shape of the fine feature maps. No weight depends on it.
        """
        _check_single(inputs_shape[0] if inputs_shape else None)
        self._upsample.build(inputs_shape)
        self.built = True

    def call(self, inputs: Tensor, skip: Tensor | None = None) -> Tensor:
        """Return the upsampled feature maps, stacked with `skip` if it is given."""
        _check_single(inputs)
        x = self._upsample(inputs)
        if skip is None:
            return x
        x = self._crop_or_pad(x, *self._spatial(ops.shape(skip)))
        return ops.concatenate([x, skip], axis=self._channel_axis)

    def compute_output_shape(self, inputs_shape: Shape, skip_shape: Shape | None = None) -> Shape:
        """Return the output shape.

        Args:
            inputs_shape: Shape of the coarse feature maps.
            skip_shape: Shape of the fine feature maps, or None.

        Returns:
            Shape of the output.
        """
        _check_single(inputs_shape[0] if inputs_shape else None)
        if skip_shape is None:
            height, width = (size and size * self.factor for size in self._spatial(inputs_shape))
            channels = self.filters
        else:
            height, width = self._spatial(skip_shape)
            channels = self.filters + skip_shape[self._channel_axis]
        if self.data_format == "channels_first":
            return (inputs_shape[0], channels, height, width)
        return (inputs_shape[0], height, width, channels)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "factor": self.factor,
            "kernel_size": self.kernel_size,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "data_format": self.data_format,
        }

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _crop_or_pad(self, x: Tensor, height: int, width: int) -> Tensor:
        """Crop or pad at the bottom and on the right."""
        first = self.data_format == "channels_first"
        x = x[:, :, :height, :width] if first else x[:, :height, :width, :]
        own_height, own_width = self._spatial(ops.shape(x))
        missing = [(0, height - own_height), (0, width - own_width)]
        return ops.pad(x, [(0, 0), (0, 0), *missing] if first else [(0, 0), *missing, (0, 0)])

    def _spatial(self, shape: Shape) -> Shape:
        return tuple(shape[2:]) if self.data_format == "channels_first" else tuple(shape[1:3])


def _check_single(inputs: object) -> None:
    """Raise if `inputs` is a list of tensors or of their shapes."""
    if isinstance(inputs, list | tuple):
        raise ValueError("`TransposeUpsample` takes no list of inputs. Expected `layer(x)` or `layer(x, skip)`.")
