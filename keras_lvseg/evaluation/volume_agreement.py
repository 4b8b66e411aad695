"""Agreement of measured and true volumes or ejection fractions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import invalid_argument

_LIMIT = 1.96  # standard deviations on either side of the bias hold 95 % of normal differences
_MIN_FOR_CORRELATION = 3  # any two pairs lie on a line


@dataclass(frozen=True)
class VolumeAgreement:
    """Agreement of pairs of values, in the unit of the values.

    A difference is the measured value minus the true one.

    Attributes:
        count: Number of pairs.
        bias: Mean of the differences.
        sd: Standard deviation of the differences, with `count` - 1. None for one pair.
        mae: Mean of the absolute differences.
        rmse: Root of the mean of the squared differences.
        correlation: Pearson's correlation coefficient. None for fewer than three pairs, and if all measured or all
            true values are equal.
        limits: Limits of agreement of Bland and Altman: bias minus and plus 1.96 `sd`. None for one pair.
    """

    count: int
    bias: float
    sd: float | None
    mae: float
    rmse: float
    correlation: float | None
    limits: tuple[float, float] | None


def volume_agreement(measured: ArrayLike, true: ArrayLike) -> VolumeAgreement:
    """Return bias, errors, correlation and limits of agreement of pairs of values.

    Args:
        measured: Array of shape (pairs,), one pair or more, in any unit.
        true: Array of the same shape and unit.

    Raises:
        ValueError: The arrays differ in shape, are empty, or have values that are not finite.

    Example:
        >>> agreement = volume_agreement([101, 148, 210], [100, 150, 200])
        >>> agreement.bias, round(agreement.mae, 2), round(agreement.correlation, 3)
        (3.0, 4.33, 0.997)
        >>> [round(limit, 1) for limit in agreement.limits]
        [-9.2, 15.2]
    """
    x, y = check_values("measured", measured), check_values("true", true)
    if x.shape != y.shape:
        raise invalid_argument("true.shape", y.shape, f"{x.shape}, the shape of `measured`")
    if not x.size:
        raise invalid_argument("measured.shape", x.shape, "one value or more")
    difference = x - y
    bias = float(difference.mean())
    sd = float(difference.std(ddof=1)) if x.size > 1 else None
    correlation = None
    if x.size >= _MIN_FOR_CORRELATION and np.ptp(x) > 0 and np.ptp(y) > 0:
        # The square of a tiny range would be 0.
        correlation = float(np.corrcoef(x / np.ptp(x), y / np.ptp(y))[0, 1])
    return VolumeAgreement(
        count=x.size,
        bias=bias,
        sd=sd,
        mae=float(np.abs(difference).mean()),
        rmse=float(np.sqrt(np.square(difference).mean())),
        correlation=correlation,
        limits=None if sd is None else (bias - _LIMIT * sd, bias + _LIMIT * sd),
    )


def check_values(name: str, values: ArrayLike, *, missing: bool = False) -> np.ndarray:
    """Return values as an array of floats of one axis. Raise unless they are finite.

    Args:
        name: The caller's name of the argument.
        values: Array of shape (values,).
        missing: Whether NaN is allowed, for an unknown value.
    """
    array = np.asarray(values, dtype=float)
    if array.ndim != 1:
        raise invalid_argument(f"{name}.shape", array.shape, "one axis")
    wrong = ~(np.isfinite(array) | (np.isnan(array) & missing))
    if wrong.any():
        raise invalid_argument(name, array[wrong][:5].tolist(), f"finite numbers{' or NaN' if missing else ''}")
    return array
