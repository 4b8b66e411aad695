"""Errors with one template each: `DataError` for files and folders, `invalid_argument` for arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def printable(text: str) -> str:
    r"""Return text with control characters and parts of damaged characters escaped.

    Example:
        >>> print(printable("a\x1b[2J\n.dcm"))
        a\x1b[2J\n.dcm
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class DataError(ValueError):
    """A file or folder that cannot be used, described in one line.

    The message quotes files, so its control characters are escaped.

    Args:
        path: The file or folder.
        problem: What is wrong with it, a phrase that follows the path.
        hint: What the user can do about it.
        expected: What the file should hold instead.
        got: What it holds.

    Example:
        >>> print(DataError("link.csv", "has wrong columns", expected="patient_id,original_id", got="patient_id"))
        link.csv: has wrong columns; expected patient_id,original_id, got patient_id
        >>> print(DataError("out", "is not empty", "name a new or an empty folder"))
        out: is not empty; name a new or an empty folder
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        problem: str,
        hint: str | None = None,
        expected: str | None = None,
        got: str | None = None,
    ):
        super().__init__(os.fspath(path), problem, hint, expected, got)
        self.path = os.fspath(path)
        self.problem = problem
        self.hint = hint
        self.expected = expected
        self.got = got

    @property
    def reason(self) -> str:
        """The message without the path."""
        comparison = [f"expected {self.expected}" if self.expected else "", f"got {self.got}" if self.got else ""]
        return printable("; ".join(filter(None, (self.problem, ", ".join(filter(None, comparison)), self.hint))))

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


@contextmanager
def as_data_error(
    path: str | os.PathLike[str], problem: str, hint: str | None = None, *, expected: str | None = None
) -> Iterator[None]:
    """Turn any exception of the block into a `DataError` that names the file and the cause.

    Libraries raise exceptions of many types on damaged files. A `DataError` passes unchanged.

    Args:
        path: The file that the block reads.
        problem: What is wrong with it if the block raises.
        hint: See `DataError`.
        expected: See `DataError`.

    Raises:
        DataError: The block raised.

    Example:
        >>> with as_data_error("split.json", "is not valid JSON"):
        ...     __import__("json").loads("{")
        Traceback (most recent call last):
        keras_lvseg.errors.DataError: split.json: is not valid JSON (Expecting property name enclosed in double ...
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        cause = " ".join(str(getattr(error, "strerror", None) or error).split())[:120] or type(error).__name__
        raise DataError(path, f"{problem} ({cause})", hint, expected=expected) from error


def invalid_argument(name: str, value: object, expected: str) -> ValueError:
    """Return the error for an argument that breaks its rule.

    Args:
        name: The argument.
        value: Its value.
        expected: The rule, a phrase that follows "Expected".

    Example:
        >>> print(invalid_argument("epochs", 0, "an integer above 0"))
        Invalid value for argument `epochs`. Expected an integer above 0. Received: epochs=0
    """
    return ValueError(f"Invalid value for argument `{name}`. Expected {expected}. Received: {name}={value!r}")
