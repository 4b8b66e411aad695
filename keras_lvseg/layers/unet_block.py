"""The block of convolutions that a U-Net is made of."""

from __future__ import annotations

import keras

from keras_lvseg.ops.arguments import check_choice, check_fraction, check_integer


@keras.saving.register_keras_serializable(package="keras_lvseg")
class UNetBlock(keras.layers.Layer):
    """Convolution, normalization, activation, some times over; the spatial size is kept.

    Convolutions have a bias only where there is no normalization, which brings its own.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernels.
        convolutions: How many convolutions follow each other.
        activation: Name of an activation, or a callable.
        normalization: `"batch"`; or of each image on its own, `"group"` (as many groups of channels as divide
            `filters`, at most 8), `"instance"` (each channel) or `"layer"` (all channels); or None.
        dropout: Share of the output to drop while training, from 0 to 1.
        residual: Whether a 1 x 1 convolution of the input is added in front of the last activation.
        data_format: `"channels_last"` or `"channels_first"`; None for keras' setting.
        **kwargs: Name and dtype, as in every keras layer.

    Call arguments:
        inputs: Feature maps.
        training: Whether to train: batch normalization and dropout behave differently then.

    Input shape:
        `(B, H, W, channels)`, or `(B, channels, H, W)` with `"channels_first"`.

    Output shape:
        `(B, H, W, filters)`, or `(B, filters, H, W)` with `"channels_first"`.

    Raises:
        ValueError: An argument breaks its rule.

    Example:
        >>> import keras
        >>> block = UNetBlock(8, normalization="group", residual=True)
        >>> block(keras.ops.ones((2, 5, 7, 1))).shape[1:] == (5, 7, 8)
        True

    References:
        - Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
    """

    def __init__(
        self,
        filters,
        kernel_size=3,
        convolutions=2,
        activation="relu",
        normalization="batch",
        dropout=0.0,
        residual=False,
        data_format=None,
        **kwargs,
    ):
        check_integer("filters", filters, least=1)
        check_integer("kernel_size", kernel_size, least=1)
        check_integer("convolutions", convolutions, least=1)
        check_choice("normalization", normalization, ("batch", "group", "instance", "layer", None))
        check_fraction("dropout", dropout)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.convolutions = convolutions
        self.activation = keras.activations.get(activation)
        self.normalization = normalization
        self.dropout = dropout
        self.residual = residual
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))

        self._convolutions = [self._convolution(f"conv_{i}", kernel_size) for i in range(1, convolutions + 1)]
        self._normalizations = [self._normalization(f"norm_{i}") for i in range(1, convolutions + 1)]
        self._shortcut = self._convolution("shortcut", 1) if residual else None
        self._dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout") if dropout else None

    def build(self, input_shape):
        """Create the weights.

        Args:
            input_shape: Shape of the feature maps.
        """
        output_shape = self.compute_output_shape(input_shape)
        if self._shortcut is not None:
            self._shortcut.build(input_shape)
        shape = input_shape
        for convolution, normalization in zip(self._convolutions, self._normalizations, strict=True):
            convolution.build(shape)
            shape = output_shape
            if normalization is not None:
                normalization.build(shape)
        if self._dropout is not None:
            self._dropout.build(output_shape)
        self.built = True

    def call(self, inputs, training=None):
        """Apply the block."""
        x = inputs
        for i, (convolution, normalization) in enumerate(
            zip(self._convolutions, self._normalizations, strict=True), start=1
        ):
            x = convolution(x)
            if normalization is not None:
                x = normalization(x, training=training)
            if self._shortcut is not None and i == self.convolutions:
                x = x + self._shortcut(inputs)
            x = self.activation(x)
        return x if self._dropout is None else self._dropout(x, training=training)

    def compute_output_shape(self, input_shape):
        """Return the shape of the result.

        Args:
            input_shape: Shape of the feature maps.

        Returns:
            The same shape with `filters` channels.
        """
        batch, *spatial = input_shape
        if self.data_format == "channels_first":
            return (batch, self.filters, *spatial[1:])
        return (batch, *spatial[:-1], self.filters)

    def get_config(self):
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "convolutions": self.convolutions,
            "activation": keras.activations.serialize(self.activation),
            "normalization": self.normalization,
            "dropout": self.dropout,
            "residual": self.residual,
            "data_format": self.data_format,
        }

    def _convolution(self, name: str, kernel_size: int) -> keras.layers.Layer:
        return keras.layers.Conv2D(
            self.filters,
            kernel_size,
            padding="same",
            use_bias=self.normalization is None,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def _normalization(self, name: str) -> keras.layers.Layer | None:
        if self.normalization is None:
            return None
        common = {"axis": -1 if self.data_format == "channels_last" else 1, "dtype": self.dtype_policy, "name": name}
        if self.normalization == "batch":
            # Keras' 0.99 would remember the start for hundreds of steps, which is all that a small cohort has.
            return keras.layers.BatchNormalization(momentum=0.9, **common)
        groups = {
            "group": max(n for n in range(1, 9) if self.filters % n == 0),
            "instance": self.filters,
            "layer": 1,
        }
        return keras.layers.GroupNormalization(groups[self.normalization], **common)
