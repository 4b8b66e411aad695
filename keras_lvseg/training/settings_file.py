"""Training hyperparameters as a TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import asdict
from typing import Any, get_args, get_type_hints

import tomli_w

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import atomic_file, read_bytes
from keras_lvseg.training.settings import TrainingSettings

_MAX_SIZE = 100_000  # bytes


def read_settings(path: str | os.PathLike[str]) -> TrainingSettings:
    """Read training hyperparameters from a TOML file. Those that are not in the file have their defaults.

    Args:
        path: A file with the arguments of `TrainingSettings` as keys, without tables.

    Raises:
        DataError: The file cannot be read, is not TOML, or has an unknown key or a value out of its range.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "settings.toml"
        >>> _ = path.write_text("epochs = 30")
        >>> read_settings(path).epochs
        30
        >>> _ = path.write_text("epoch = 30")
        >>> read_settings(path)
        Traceback (most recent call last):
        keras_lvseg.errors.DataError: ...settings.toml: has an unknown key 'epoch'; the nearest is 'epochs'
    """
    data = read_bytes(path, _MAX_SIZE)
    with as_data_error(path, "is not valid TOML"):
        values = tomllib.loads(data.decode())
    types = get_type_hints(TrainingSettings)
    for name, value in values.items():
        if name not in types:
            nearest = difflib.get_close_matches(name, types, n=1, cutoff=0)
            raise DataError(path, f"has an unknown key {name!r}", f"the nearest is {nearest[0]!r}")
        values[name] = _checked(path, name, value, types[name])
    with as_data_error(path, "has a wrong value"):
        return TrainingSettings(**values)


def write_settings(path: str | os.PathLike[str], settings: TrainingSettings) -> None:
    """Write training hyperparameters as a TOML file, atomically. Those that are None are left out.

    Args:
        path: The file.
        settings: The hyperparameters.
    """
    values = {name: value for name, value in asdict(settings).items() if value is not None}
    with atomic_file(path) as temporary:
        temporary.write_text(tomli_w.dumps(values), encoding="utf-8")


def _checked(path: str | os.PathLike[str], name: str, value: Any, annotation: Any) -> Any:
    """Return a value in the type of its argument, such as 1.0 for a rate of 1."""
    allowed = {choice for choice in (annotation, *get_args(annotation)) if choice in (int, float, bool, str)}
    expected = allowed or {str}  # a choice of names; `TrainingSettings` compares them
    if type(value) is int and float in expected:
        return float(value)
    if type(value) not in expected:
        (kind,) = expected
        raise DataError(path, f"has a wrong {name}", expected=_KINDS[kind], got=repr(value))
    return value


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
