"""The folder of a search for training settings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from keras_lvseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class SearchFolder(os.PathLike[str]):
    """The files of a search.

    Attributes:
        path: The folder.

    Example:
        >>> SearchFolder(Path("search")).run(trial=3, fold=0).settings.as_posix()
        'search/trial_0003/fold_0/settings.toml'
    """

    path: Path

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def storage(self) -> Path:
        """All trials in Optuna's storage, as SQLite."""
        return self.path / "search.db"

    @property
    def best(self) -> Path:
        """The settings with the best Dice so far, for `train --settings`."""
        return self.path / "best.toml"

    @property
    def trials(self) -> Path:
        """Dice, state and settings of each trial, as CSV."""
        return self.path / "trials.csv"

    def run(self, trial: int, fold: int) -> RunFolder:
        """Return the training run of a trial.

        Args:
            trial: Number of the trial. A trial that was queued again has the number of its first start.
            fold: Number of the held-out fold, from 0.
        """
        return RunFolder(self.path / f"trial_{trial:04d}" / f"fold_{fold}")
