"""Sums of float32 that do not lose what float32 cannot hold.

A float32 counts to 2**24 and then stands still, which 256 images of 256 x 256 pixels reach. Here a sum is
kept in parts whose own sum is exact, in float32 throughout: no backend is asked for a wider type that it may
not have.
"""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any

_BLOCK = 1024  # pixels that one plain float32 sum may take in
_QUANTUM = 65536.0  # what one step of a high part stands for: high parts are exact up to 2**24 of these


def exact_sum(values: Tensor) -> Tensor:
    """Sum over the last axis, in two float32 whose sum is the result.

    Each value is cut in two: a coarse part, a multiple of so large a power of two that adding them all up
    rounds nothing away, and the rest, which is small.

    Args:
        values: Float32, `(..., N)`.

    Returns:
        Float32, `(..., 2)`.
    """
    # Adding a large number and taking it away again rounds to a multiple of its last binary place. The product
    # with a power of two is exact, so that a fused multiply-add gives the same.
    count = values.shape[-1] or 2**18  # more blocks than an image has, where TensorFlow does not know yet
    large = 2.0 ** (count.bit_length() + 2) * ops.max(ops.abs(values), axis=-1, keepdims=True, initial=0.0)
    coarse = (values + large) - large
    return ops.stack([ops.sum(coarse, axis=-1), ops.sum(values - coarse, axis=-1)], axis=-1)


def pixel_sum(values: Tensor) -> Tensor:
    """Sum over the pixels of each image, in two float32 as `exact_sum` does.

    Args:
        values: Float32, `(B, N)`: weights of the pixels that are counted. A block of whole ones has an exact sum.

    Returns:
        Float32, `(B, 2)`.
    """
    batch, pixels = ops.shape(values)
    blocks = -(-pixels // _BLOCK)
    values = ops.pad(values, ((0, 0), (0, blocks * _BLOCK - pixels)))
    return exact_sum(ops.sum(ops.reshape(values, (batch, blocks, _BLOCK)), axis=-1))


def add_to_sums(sums: Tensor, terms: Tensor) -> Tensor:
    """Add to running sums.

    A running sum is `high * 65536 + low + rest`. `high` and `low` count whole numbers exactly to 2**40, also
    where sums from elsewhere are added to them; `rest` keeps what rounding takes from fractional weights.

    Args:
        sums: Float32, `(n, 3)`: high, low and rest of each sum.
        terms: Float32, `(n, 2)`: what to add to each, as `exact_sum` gives it.

    Returns:
        The new sums, float32, `(n, 3)`.
    """
    carried = ops.round(terms / _QUANTUM)
    left = terms - carried * _QUANTUM
    low, lost_first = _two_sum(sums[:, 1], left[:, 0])
    low, lost_second = _two_sum(low, left[:, 1])
    carry = ops.round(low / _QUANTUM)
    high = sums[:, 0] + ops.sum(carried, axis=-1) + carry
    return ops.stack([high, low - carry * _QUANTUM, sums[:, 2] + lost_first + lost_second], axis=-1)


def sums_value(sums: Tensor) -> Tensor:
    """Round running sums to one float32 each.

    Args:
        sums: Float32, `(n, 3)`, as `add_to_sums` makes them, or a sum of such.

    Returns:
        Float32, `(n,)`.
    """
    high, low, rest = sums[:, 0], sums[:, 1], sums[:, 2]
    return high * _QUANTUM + (low + rest)


def _two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return `a + b` rounded, and exactly what the rounding lost (Knuth's two-sum)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)
