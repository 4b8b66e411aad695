"""Layers and the initializer that they add to Keras' own."""

from keras_lvseg.layers.bilinear import Bilinear
from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.layers.unet_block import UNetBlock

__all__ = ["Bilinear", "TransposeUpsample", "UNetBlock"]
