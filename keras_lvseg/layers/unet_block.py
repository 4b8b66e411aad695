"""The block of convolutions of a U-Net."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import keras
from keras import ops

from keras_lvseg.ops.arguments import check_choice, check_fraction, check_integer
from keras_lvseg.ops.shapes import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_lvseg")
class UNetBlock(keras.layers.Layer):
    """Convolution, normalization and activation, repeated; the spatial size is kept.

    The convolutions have a bias only without normalization, because a normalization adds its own.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the kernels.
        convolutions: Number of convolutions.
        activation: Activation function, or its name.
        normalization: `"batch"`, `"group"`, `"instance"`, `"layer"` or None. `"group"` makes as many groups of channels
            as divide `filters`, at most 8. `"instance"` normalizes each channel on its own, `"layer"` all channels
            together. These three normalize each image on its own.
        momentum: Momentum of the moving statistics of batch normalization, from 0 to 1. The default is lower than the
            0.99 of Keras: 0.99 remembers the start for hundreds of steps, and a small cohort has no more than that.
        dropout: Fraction of the output to drop during training, from 0 to 1.
        residual: Whether to add a 1 x 1 convolution of the input before the last activation.
        kernel_initializer: Initializer of the kernels, or its name. Each convolution gets its own copy.
        kernel_regularizer: Regularizer of the kernels, its name, or None.
        data_format: `"channels_last"`, `"channels_first"`, or None for the setting of Keras.
        **kwargs: `name`, `dtype` and the other arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Feature maps.
        training: Whether to train. Batch normalization and dropout depend on it.

    Input shape:
        `(B, H, W, channels)`, or `(B, channels, H, W)` with `"channels_first"`.

    Output shape:
        `(B, H, W, filters)`, or `(B, filters, H, W)` with `"channels_first"`.

    Raises:
        ValueError: An argument is invalid.

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
        filters: int,
        kernel_size: int = 3,
        *,
        convolutions: int = 2,
        activation: str | Callable[[Tensor], Tensor] | None = "relu",
        normalization: Literal["batch", "group", "instance", "layer"] | None = "batch",
        momentum: float = 0.9,
        dropout: float = 0.0,
        residual: bool = False,
        kernel_initializer: str | dict[str, Any] | keras.initializers.Initializer = "glorot_uniform",
        kernel_regularizer: str | dict[str, Any] | keras.regularizers.Regularizer | None = None,
        data_format: Literal["channels_last", "channels_first"] | None = None,
        **kwargs: Any,
    ):
        check_integer("filters", filters, minimum=1)
        check_integer("kernel_size", kernel_size, minimum=1)
        check_integer("convolutions", convolutions, minimum=1)
        check_choice("normalization", normalization, ("batch", "group", "instance", "layer", None))
        check_fraction("momentum", momentum)
        check_fraction("dropout", dropout)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.convolutions = convolutions
        self.activation = keras.activations.get(activation)
        self.normalization = normalization
        self.momentum = momentum
        self.dropout = dropout
        self.residual = residual
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.data_format = data_format or keras.config.image_data_format()
        check_choice("data_format", self.data_format, ("channels_last", "channels_first"))
        # Keras' PyTorch backend copies the feature maps before each convolution with channels last. Here PyTorch gets a
        # view with channels first of the same memory, which it computes without a copy.
        self._turned = keras.backend.backend() == "torch" and self.data_format == "channels_last"
        self._inner_format = "channels_first" if self._turned else self.data_format

        self._convolutions = [
            self._convolution(f"conv_{i}", kernel_size, kernel_initializer) for i in range(1, convolutions + 1)
        ]
        self._normalizations = [self._normalization(f"norm_{i}") for i in range(1, convolutions + 1)]
        self._shortcut = self._convolution("shortcut", 1, kernel_initializer) if residual else None
        self._dropout = keras.layers.Dropout(dropout, dtype=self.dtype_policy, name="dropout") if dropout else None
        self.kernel_initializer = self._convolutions[0].kernel_initializer

    def build(self, input_shape: Shape) -> None:
        """Create the weights.

        Args:
            input_shape: Shape of the feature maps.
        """
        output_shape = self.compute_output_shape(input_shape)
        shape, inner_output_shape = (
            (each[0], each[-1], *each[1:-1]) if self._turned else each for each in (input_shape, output_shape)
        )
        if self._shortcut is not None:
            self._shortcut.build(shape)
        for convolution, normalization in zip(self._convolutions, self._normalizations, strict=True):
            convolution.build(shape)
            shape = inner_output_shape
            if normalization is not None:
                normalization.build(shape)
        if self._dropout is not None:
            self._dropout.build(output_shape)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Return the feature maps."""
        x = inputs
        for i, (convolution, normalization) in enumerate(
            zip(self._convolutions, self._normalizations, strict=True), start=1
        ):
            x = convolution(self._turn(x))
            if normalization is not None:
                x = normalization(x, training=training)
            if self._shortcut is not None and i == self.convolutions:
                x = x + self._shortcut(self._turn(inputs))
            x = self.activation(self._turn_back(x))
        return x if self._dropout is None else self._dropout(x, training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape.

        Args:
            input_shape: Shape of the feature maps.

        Returns:
            The same shape with `filters` channels.
        """
        batch, *spatial = input_shape
        if self.data_format == "channels_first":
            return (batch, self.filters, *spatial[1:])
        return (batch, *spatial[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "convolutions": self.convolutions,
            "activation": keras.activations.serialize(self.activation),
            "normalization": self.normalization,
            "momentum": self.momentum,
            "dropout": self.dropout,
            "residual": self.residual,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "data_format": self.data_format,
        }

    def _convolution(self, name: str, kernel_size: int, kernel_initializer: Any) -> keras.layers.Layer:
        if isinstance(kernel_initializer, keras.initializers.Initializer):
            kernel_initializer = kernel_initializer.clone()  # an unseeded instance repeats its values for equal shapes
        return keras.layers.Conv2D(
            self.filters,
            kernel_size,
            padding="same",
            use_bias=self.normalization is None,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            data_format=self._inner_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def _turn(self, x: Tensor) -> Tensor:
        return ops.transpose(x, (0, 3, 1, 2)) if self._turned else x

    def _turn_back(self, x: Tensor) -> Tensor:
        return ops.transpose(x, (0, 2, 3, 1)) if self._turned else x

    def _normalization(self, name: str) -> keras.layers.Layer | None:
        if self.normalization is None:
            return None
        common = {"axis": -1 if self._inner_format == "channels_last" else 1, "dtype": self.dtype_policy, "name": name}
        if self.normalization == "batch":
            return keras.layers.BatchNormalization(momentum=self.momentum, synchronized=_has_replicas(), **common)
        groups = {
            "group": max(n for n in range(1, 9) if self.filters % n == 0),
            "instance": self.filters,
            "layer": 1,
        }
        return keras.layers.GroupNormalization(groups[self.normalization], **common)


def _has_replicas() -> bool:
    """Return whether TensorFlow splits batches. Batch statistics need all parts then; JAX computes whole batches."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync > 1
