"""A transpose convolution to a finer grid, whose result is stacked with feature maps of that grid."""

from __future__ import annotations

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_choice, check_integer


@keras.saving.register_keras_serializable(package="keras_lvseg")
class TransposeUpsample(keras.layers.Layer):
    """Transpose convolution that makes one pixel into `factor` x `factor`.

    With a second input, the result is brought to its height and width, by cropping or by zeros at the bottom
    and on the right, and stacked with it on the channel axis, the upsampled channels first. After pooling
    with "same" padding this undoes what an odd size was rounded up by.

    Args:
        filters: Number of channels that the convolution gives.
        factor: How many times finer the grid becomes.
        kernel_size: Height and width of the kernel, `factor` or more. None for `factor`, or for the smallest
            symmetric kernel that interpolates, `2 * factor - factor % 2`, with `"bilinear"`.
        kernel_initializer: Name of an initializer, an initializer, or `"bilinear"`: the convolution starts as
            bilinear interpolation of each channel. That needs as many filters as the input has channels, and
            a kernel of `2 * factor - 1` or more.
        data_format: `"channels_last"` or `"channels_first"`; None for keras' setting.
        **kwargs: Name and dtype, as in every keras layer.

    Call arguments:
        inputs: Feature maps of the coarse grid.
        skip: Feature maps of the fine grid, or None.

    Input shape:
        `(B, h, w, channels)`, and `(B, H, W, skip_channels)` for `skip`; channels second with
        `"channels_first"`.

    Output shape:
        `(B, factor * h, factor * w, filters)`, or `(B, H, W, filters + skip_channels)` with `skip`; channels
        second with `"channels_first"`.

    Raises:
        ValueError: An argument breaks its rule, or `"bilinear"` meets another number of channels than
            `filters`.

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
        filters,
        factor=2,
        kernel_size=None,
        kernel_initializer="glorot_uniform",
        data_format=None,
        **kwargs,
    ):
        check_integer("filters", filters, least=1)
        check_integer("factor", factor, least=1)
        bilinear = kernel_initializer == "bilinear"
        if kernel_size is None:
            kernel_size = 2 * factor - factor % 2 if bilinear else factor
        check_integer("kernel_size", kernel_size, least=2 * factor - 1 if bilinear else factor)
        super().__init__(**kwargs)
        self.filters = filters
        self.factor = factor
        self.kernel_size = kernel_size
        self.kernel_initializer = kernel_initializer if bilinear else keras.initializers.get(kernel_initializer)
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))
        self._upsample = keras.layers.Conv2DTranspose(
            filters,
            kernel_size,
            strides=factor,
            padding="same",
            kernel_initializer=self._bilinear_kernel if bilinear else self.kernel_initializer,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="upsample",
        )

    def build(self, inputs_shape, skip_shape=None):
        """Create the weights.

        Args:
            inputs_shape: Shape of the coarse feature maps.
            skip_shape: Shape of the fine feature maps; it changes no weight.
        """
        channels = inputs_shape[self._channel_axis]
        if self.kernel_initializer == "bilinear" and channels != self.filters:
            raise ValueError(
                '`kernel_initializer="bilinear"` needs as many `filters` as the input has channels. '
                f"Received: filters={self.filters}, input shape {tuple(inputs_shape)}"
            )
        self._upsample.build(inputs_shape)
        self.built = True

    def call(self, inputs, skip=None):
        """Upsample, and stack with `skip` where it is given."""
        x = self._upsample(inputs)
        if skip is None:
            return x
        x = self._resized(x, *self._spatial(ops.shape(skip)))
        return ops.concatenate([x, skip], axis=self._channel_axis)

    def compute_output_shape(self, inputs_shape, skip_shape=None):
        """Return the shape of the result.

        Args:
            inputs_shape: Shape of the coarse feature maps.
            skip_shape: Shape of the fine feature maps, or None.

        Returns:
            Shape of the result.
        """
        if skip_shape is None:
            height, width = (size and size * self.factor for size in self._spatial(inputs_shape))
            channels = self.filters
        else:
            height, width = self._spatial(skip_shape)
            channels = self.filters + skip_shape[self._channel_axis]
        if self.data_format == "channels_first":
            return (inputs_shape[0], channels, height, width)
        return (inputs_shape[0], height, width, channels)

    def get_config(self):
        """Return the arguments of the constructor."""
        initializer = self.kernel_initializer
        return {
            **super().get_config(),
            "filters": self.filters,
            "factor": self.factor,
            "kernel_size": self.kernel_size,
            "kernel_initializer": initializer
            if initializer == "bilinear"
            else keras.initializers.serialize(initializer),
            "data_format": self.data_format,
        }

    @property
    def _channel_axis(self) -> int:
        return 1 if self.data_format == "channels_first" else -1

    def _resized(self, x, height, width):
        """Crop or pad at the bottom and on the right."""
        first = self.data_format == "channels_first"
        x = x[:, :, :height, :width] if first else x[:, :height, :width, :]
        own_height, own_width = self._spatial(ops.shape(x))
        missing = [(0, height - own_height), (0, width - own_width)]
        return ops.pad(x, [(0, 0), (0, 0), *missing] if first else [(0, 0), *missing, (0, 0)])

    def _spatial(self, shape: tuple) -> tuple:
        return tuple(shape[2:]) if self.data_format == "channels_first" else tuple(shape[1:3])

    def _bilinear_kernel(self, shape, dtype=None):
        """Give the weights `(kernel, kernel, filters, channels)` that interpolate each channel on its own."""
        offset = ops.arange(self.kernel_size, dtype="float32") - (self.kernel_size - 1) / 2
        tent = ops.relu(1.0 - ops.abs(offset) / self.factor)
        kernel = tent[:, None, None, None] * tent[None, :, None, None] * ops.eye(*shape[2:])
        return ops.cast(kernel, dtype or "float32")
