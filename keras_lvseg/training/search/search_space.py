"""Ranges of the training settings that a search varies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg.training.settings_file import kind_of, read_table

if TYPE_CHECKING:
    from optuna import Trial

SearchSpace = Mapping[str, Sequence[Any]]
"""Per argument of `TrainingSettings`: lowest and highest number, or a choice of names."""

COURSE_SPACE: SearchSpace = {
    "learning_rate": (1e-4, 1e-2),
    "decay_rate": (0.1, 1.0),
    "decay_steps": (10, 1000),
    "epochs": (10, 100),
}
"""The settings that the course varies."""

_LOGARITHMIC = 10  # highest through lowest value, from which on a number is drawn on a logarithmic scale


def read_space(path: str | os.PathLike[str]) -> dict[str, list[Any]]:
    """Read the ranges of a search from a TOML file.

    Args:
        path: A file with arguments of `TrainingSettings` as keys. A value is a list: the lowest and the highest number,
            or names or truth values to choose from.

    Raises:
        DataError: The file cannot be read, is not TOML, or has an unknown key or a value that is not such a list.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "space.toml"
        >>> _ = path.write_text('learning_rate = [1e-4, 1e-2]; ')
        >>> read_space(path)
        Traceback (most recent call last):
        keras_lvseg.errors.DataError: ...space.toml: is not valid TOML (...
        >>> _ = path.write_text('augmentation = ["full", "broad"]')
        >>> read_space(path)
        {'augmentation': ['full', 'broad']}
    """
    space = read_table(path)
    for name, values in space.items():
        if not isinstance(values, list):
            raise DataError(path, f"has a wrong {name}", expected="a list", got=repr(values))
    with as_data_error(path, "is not a search space"):
        check_space(space, TrainingSettings(decay_rate=0.5, decay_steps=1))
    return space


def check_space(space: SearchSpace, settings: TrainingSettings) -> None:
    """Raise if a range is not one, or if its ends are no training settings.

    Args:
        space: The ranges.
        settings: The settings that are not varied.

    Raises:
        ValueError: See above.
    """
    if not space:
        raise invalid_argument("space", space, "a setting to vary")
    for name, values in space.items():
        kind = kind_of(name)
        allowed = (int, float) if kind is float else (kind,)
        if not values or not all(type(value) in allowed for value in values):
            raise invalid_argument(name, values, f"values of the type {kind.__name__}")
        if kind in (int, float) and not (len(values) == 2 and values[0] < values[1]):
            raise invalid_argument(name, values, "the lowest and the highest number")
    for end in (0, -1):
        replace(settings, **{name: values[end] for name, values in space.items()})


def suggest_settings(trial: Trial, space: SearchSpace, settings: TrainingSettings) -> TrainingSettings:
    """Return the settings of a trial.

    Numbers are drawn on a logarithmic scale if the highest is ten times the lowest or more.

    Args:
        trial: The trial.
        space: The ranges.
        settings: The settings that are not varied.
    """
    chosen: dict[str, Any] = {}
    for name, values in space.items():
        kind, low, high = kind_of(name), values[0], values[-1]
        log = kind in (int, float) and 0 < low * _LOGARITHMIC <= high
        if kind is int:
            chosen[name] = trial.suggest_int(name, low, high, log=log)
        elif kind is float:
            chosen[name] = trial.suggest_float(name, low, high, log=log)
        else:
            chosen[name] = trial.suggest_categorical(name, list(values))
    return replace(settings, **chosen)
