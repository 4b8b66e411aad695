"""Checks of constructor arguments. A message names the argument, the rule and what came instead."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any


def check_choice(name: str, value: Any, choices: tuple) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {choices}. Received: {name}={value!r}")


def check_integer(name: str, value: Any, least: int | None = None) -> None:
    """Raise ValueError unless `value` is an integer, of `least` or more where that is given."""
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or (least is not None and value < least):
        rule = "an integer" if least is None else f"an integer of {least} or more"
        raise ValueError(f"`{name}` must be {rule}. Received: {name}={value!r}")


def check_fraction(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be a number from 0 to 1. Received: {name}={value!r}")


def check_weight(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a finite number of 0 or more."""
    if not _is_number(value) or not 0 <= value < float("inf"):
        raise ValueError(f"`{name}` must be a finite number of 0 or more. Received: {name}={value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
