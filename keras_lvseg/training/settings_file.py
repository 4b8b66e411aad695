"""Training hyperparameters as a TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import asdict, fields
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
    values = read_table(path)
    for name, value in values.items():
        kind = kind_of(name)
        if kind is float and type(value) is int:
            with as_data_error(path, f"has a wrong {name}", expected=_KINDS[kind]):
                values[name] = float(value)
        elif type(value) is not kind:
            raise DataError(path, f"has a wrong {name}", expected=_KINDS[kind], got=repr(value))
    with as_data_error(path, "has a wrong value"):
        return TrainingSettings(**values)


def read_table(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file whose keys are arguments of `TrainingSettings`, with any values.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read, is not TOML, or has an unknown key.
    """
    data = read_bytes(path, _MAX_SIZE)
    with as_data_error(path, "is not valid TOML"):
        values = tomllib.loads(data.decode())
    names = [field.name for field in fields(TrainingSettings)]
    for name in values:
        if name not in names:
            (nearest,) = difflib.get_close_matches(name, names, n=1, cutoff=0)
            raise DataError(path, f"has an unknown key {name!r}", f"the nearest is {nearest!r}")
    return values


def kind_of(name: str) -> type:
    """Return the type of an argument of `TrainingSettings`: int, float, bool or str.

    Args:
        name: The argument.

    Example:
        >>> kind_of("decay_rate"), kind_of("model")
        (<class 'float'>, <class 'str'>)
    """
    annotation = get_type_hints(TrainingSettings)[name]
    return next((kind for kind in (annotation, *get_args(annotation)) if kind in _KINDS), str)


def write_settings(path: str | os.PathLike[str], settings: TrainingSettings) -> None:
    """Write training hyperparameters as a TOML file, atomically. Those that are None are left out.

    Args:
        path: The file.
        settings: The hyperparameters.
    """
    values = {name: value for name, value in asdict(settings).items() if value is not None}
    with atomic_file(path) as temporary:
        temporary.write_text(tomli_w.dumps(values), encoding="utf-8")


_KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
