"""Layers."""

from keras_lvseg.layers.transpose_upsample import TransposeUpsample
from keras_lvseg.layers.unet_block import UNetBlock

__all__ = ["TransposeUpsample", "UNetBlock"]
