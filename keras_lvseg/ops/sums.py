"""Sums in float32 without the rounding errors of plain float32 sums.

A plain float32 counts to 2**24 and then stops: 256 images of 256 x 256 pixels have that many. Here a sum is kept in
parts whose own sum is exact. All parts are float32, because a wider dtype is not available on every backend.
"""

from __future__ import annotations

from keras import ops

from keras_lvseg.ops.shapes import Tensor

_BLOCK = 1024  # pixels in one plain float32 sum
_QUANTUM = 65536.0  # unit of the high parts, which are exact up to 2**24 units


def exact_sum(values: Tensor) -> Tensor:
    """Sum over the last axis. The result is the sum of two float32.

    Each value is split into a coarse part and a small rest. The coarse parts are multiples of a large power of two, so
    that their sum is exact.

    Args:
        values: Float32, `(..., N)`.

    Returns:
        Float32, `(..., 2)`.
    """
    # Adding and then subtracting a large number rounds to a multiple of its last binary place. The product with a
    # power of two is exact, so that a fused multiply-add gives the same.
    count = values.shape[-1] or 2**18  # if TensorFlow does not know the size yet: more blocks than an image has
    # A zero is appended for an empty axis. `initial=0.0` would be on the CPU, which PyTorch refuses beside a GPU.
    bounded = ops.pad(ops.abs(values), [(0, 0)] * (len(values.shape) - 1) + [(0, 1)])
    large = 2.0 ** (count.bit_length() + 2) * ops.max(bounded, axis=-1, keepdims=True)
    coarse = (values + large) - large
    return ops.stack([ops.sum(coarse, axis=-1), ops.sum(values - coarse, axis=-1)], axis=-1)


def exact_pixel_sum(values: Tensor) -> Tensor:
    """Sum over the pixels of each image.

    Args:
        values: Float32, `(B, N)`: weights of the counted pixels. Whole weights have an exact sum within a block.

    Returns:
        Float32, `(B, 2)`, as of `exact_sum`.
    """
    batch, pixels = ops.shape(values)
    blocks = -(-pixels // _BLOCK)
    values = ops.pad(values, ((0, 0), (0, blocks * _BLOCK - pixels)))
    return exact_sum(ops.sum(ops.reshape(values, (batch, blocks, _BLOCK)), axis=-1))


def add_to_running_sums(sums: Tensor, terms: Tensor) -> Tensor:
    """Add terms to running sums.

    A running sum is `high * 65536 + low + rest`. `high` and `low` count whole numbers exactly to 2**40, also after the
    sums of another replica were added to them. `rest` collects the rounding errors of fractional weights.

    Args:
        sums: Float32, `(n, 3)`: high, low and rest of each sum.
        terms: Float32, `(n, 2)`: the term of each sum, as of `exact_sum`.

    Returns:
        The new sums, float32, `(n, 3)`.
    """
    carried = ops.round(terms / _QUANTUM)
    remainder = terms - carried * _QUANTUM
    low, error_first = _two_sum(sums[:, 1], remainder[:, 0])
    low, error_second = _two_sum(low, remainder[:, 1])
    carry = ops.round(low / _QUANTUM)
    high = sums[:, 0] + ops.sum(carried, axis=-1) + carry
    return ops.stack([high, low - carry * _QUANTUM, sums[:, 2] + error_first + error_second], axis=-1)


def round_sums(sums: Tensor) -> Tensor:
    """Return each running sum as one float32.

    Args:
        sums: Float32, `(n, 3)`, as of `add_to_running_sums`, or a sum of several of these.

    Returns:
        Float32, `(n,)`.
    """
    high, low, rest = sums[:, 0], sums[:, 1], sums[:, 2]
    return high * _QUANTUM + (low + rest)


def _two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return `a + b` rounded, and its exact rounding error (two-sum by Knuth)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)
