"""Checks of constructor arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TypeGuard

from keras_lvseg.errors import invalid_argument


def check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        raise invalid_argument(name, value, f"one of {', '.join(map(repr, choices))}")


def check_integer(name: str, value: object, minimum: int | None = None) -> None:
    """Raise ValueError unless `value` is an integer and not below `minimum`."""
    if not _is_integer(value, minimum):
        raise invalid_argument(name, value, "an integer" if minimum is None else f"an integer of at least {minimum}")


def check_fraction(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise invalid_argument(name, value, "a number from 0 to 1")


def check_weight(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a finite number and not negative."""
    if not _is_number(value) or not 0 <= value < float("inf"):
        raise invalid_argument(name, value, "a finite number of at least 0")


def check_input_shape(value: Sequence[object], multiple: int = 1, fixed: bool = False) -> None:
    """Raise ValueError unless `value` is a height, a width and a number of channels.

    Args:
        value: The argument `input_shape`.
        multiple: Number of which height and width must be multiples.
        fixed: Whether height and width must be known; otherwise each may be None.
    """
    *sizes, channels = value if len(value) == 3 else (0, 0, 0)
    fits = all((size is None and not fixed) or (_is_integer(size, 1) and size % multiple == 0) for size in sizes)
    if not fits or not _is_integer(channels, 1):
        size = "positive integers" if multiple == 1 else f"positive multiples of {multiple}"
        rule = f"(height, width, channels), height and width {size}{'' if fixed else ' or None'}, channels at least 1"
        raise invalid_argument("input_shape", tuple(value), rule)


def check_merged_classes(merged_classes: Mapping[int, Sequence[int]] | None) -> dict[int, tuple[int, ...]] | None:
    """Return the labels with their classes as plain integers, or None if there are none."""
    if not merged_classes:
        return None
    expected = "labels of 2 or more, each with two or more classes, such as {3: (0, 2)}"
    checked = {}
    for label, members in merged_classes.items():
        # JSON has no integer keys: a saved loss comes back with "3".
        whole = [int(value) if str(value).isdecimal() else -1 for value in (label, *members)]
        if whole[0] < 2 or min(whole) < 0 or len(whole) < 3 or len({*whole}) < len(whole):
            raise invalid_argument("merged_classes", merged_classes, expected)
        checked[whole[0]] = tuple(whole[1:])
    return checked


def check_merged_range(merged_classes: Mapping[int, Sequence[int]] | None, num_classes: int) -> None:
    """Raise ValueError unless the labels lie above the classes of the logits, and what they stand for is among them."""
    for label, members in (merged_classes or {}).items():
        if label < num_classes or max(members) >= num_classes:
            expected = f"labels above and classes below the number of classes of the logits, {num_classes}"
            raise invalid_argument("merged_classes", merged_classes, expected)


def _is_integer(value: object, minimum: int | None) -> TypeGuard[int]:
    if not isinstance(value, Integral) or isinstance(value, bool):
        return False
    return minimum is None or int(value) >= minimum


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
