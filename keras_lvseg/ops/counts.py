"""Exact counts of the pixels of masks, for each image.

A mask takes one byte per pixel, and an int32 holds four bytes. Masks are compared and added as such words, four pixels
at a time, each in its own byte. The bytes are separated only when few words are left. This makes the metric fast. With
int32 sums of single pixels, an update takes 1.2 to 1.5 times as long on TensorFlow and 1.6 to 1.9 times as long on JAX
(CPU time on one core, 16 images of 256 x 256 pixels).
"""

from __future__ import annotations

from keras import ops

from keras_lvseg.ops.shapes import Tensor, flatten_images

_LANES = 4
_WORDS = 64  # words added before the bytes are separated: a byte of the sum of two masks is then at most 128


def pack_mask(mask: Tensor) -> Tensor:
    """Pack the pixels of a mask into the bytes of words.

    Args:
        mask: Booleans, `(B, *)`.

    Returns:
        int32, `(B, blocks, 64)`: 256 pixels per block. The last block is padded with zeros.
    """
    mask = ops.cast(flatten_images(mask), "uint8")
    batch, pixels = ops.shape(mask)
    blocks = -(-pixels // (_LANES * _WORDS))
    missing = blocks * _LANES * _WORDS - pixels
    if not isinstance(missing, int) or missing:
        mask = ops.pad(mask, ((0, 0), (0, missing)))
    words = ops.view(ops.reshape(mask, (batch, blocks * _WORDS, _LANES)), "int32")
    return ops.reshape(words, (batch, blocks, _WORDS))


def count_packed(words: Tensor) -> Tensor:
    """Count the pixels of packed masks, or of the sum of two packed masks.

    Args:
        words: int32, `(B, blocks, 64)`, as of `pack_mask`.

    Returns:
        Float32, `(B, 2)`: two numbers whose sum is the count, exact up to 2**31.
    """
    words = ops.sum(words, axis=-1)
    lanes = (ops.bitwise_and(ops.right_shift(words, 8 * lane), 255) for lane in range(_LANES))
    count = ops.sum(sum(lanes), axis=-1)
    low = ops.bitwise_and(count, 65535)
    return ops.cast(ops.stack([count - low, low], axis=-1), "float32")
