"""Exact counts of the pixels of masks, image by image.

A mask takes a byte a pixel, and four bytes lie in an integer of 32 bits. Masks are compared and added four pixels
at a time, each in its own byte of such a word, and the bytes are told apart only when there are few words left. That is
what makes the metric fast: floats would take four times as much memory to read and to write, several times over.
"""

from __future__ import annotations

from keras import ops

from keras_lvseg.ops.shapes import Tensor, flatten_images

_LANES = 4
_WORDS = 64  # that are added up before the bytes are told apart: two masks' sum in a byte is 128 at most, 255 would fit


def packed_mask(mask: Tensor) -> Tensor:
    """Put a mask's pixels into the bytes of words.

    Args:
        mask: Booleans, `(B, *)`.

    Returns:
        int32, `(B, blocks, 64)`: 256 pixels a block, the last one filled up with pixels that are not in the mask.
    """
    mask = ops.cast(flatten_images(mask), "uint8")
    batch, pixels = ops.shape(mask)
    blocks = -(-pixels // (_LANES * _WORDS))
    missing = blocks * _LANES * _WORDS - pixels
    if not isinstance(missing, int) or missing:
        mask = ops.pad(mask, ((0, 0), (0, missing)))
    words = ops.view(ops.reshape(mask, (batch, blocks * _WORDS, _LANES)), "int32")
    return ops.reshape(words, (batch, blocks, _WORDS))


def packed_count(words: Tensor) -> Tensor:
    """Count the pixels of packed masks, or of the sum of two.

    Args:
        words: int32, `(B, blocks, 64)`, as `packed_mask` gives them.

    Returns:
        Float32, `(B, 2)`: two numbers whose sum is the count, exact up to 2**31.
    """
    words = ops.sum(words, axis=-1)
    lanes = (ops.bitwise_and(ops.right_shift(words, 8 * lane), 255) for lane in range(_LANES))
    count = ops.sum(sum(lanes), axis=-1)
    low = ops.bitwise_and(count, 65535)
    return ops.cast(ops.stack([count - low, low], axis=-1), "float32")
