"""The folder of a training run: settings, data, patients, history and the trained network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import atomic_file, read_json, require_empty, write_json
from keras_lvseg.inference.trained_network import NETWORK_FILE
from keras_lvseg.models.pretrained import PretrainedInfo, write_pretrained
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg.training.settings_file import read_settings, write_settings
from keras_lvseg.version import __version__

_RESUME_HINT = "resume with the same, or train in a new folder"


@dataclass(frozen=True)
class RunFolder(os.PathLike[str]):
    """The files of a training run.

    Attributes:
        path: The folder.

    Example:
        >>> run = RunFolder(Path("runs/first"))
        >>> run.history.as_posix(), os.fspath(run)
        ('runs/first/history.csv', 'runs/first')
    """

    path: Path

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    @property
    def network(self) -> Path:
        """The trained network for inference, as JSON, with its arrays beside it in `network.npz`."""
        return self.path / NETWORK_FILE

    @property
    def model(self) -> Path:
        """The trained network as a Keras file, for further training in one's own code."""
        return self.path / "model.keras"

    @property
    def checkpoint(self) -> Path:
        """Network and optimizer after the last complete epoch. Deleted when the training is finished."""
        return self.path / "checkpoint.keras"

    @property
    def settings(self) -> Path:
        """Training hyperparameters, as TOML. `read_settings` and `train --settings` read them."""
        return self.path / "settings.toml"

    @property
    def data(self) -> Path:
        """Version of this package, and the settings of the data set, as JSON."""
        return self.path / "data.json"

    @property
    def split(self) -> Path:
        """Patients of each split, as JSON."""
        return self.path / "split.json"

    @property
    def history(self) -> Path:
        """Loss and Dice of each epoch, as CSV."""
        return self.path / "history.csv"

    @property
    def curves(self) -> Path:
        """The history, as a PNG plot."""
        return self.path / "curves.png"

    @property
    def logs(self) -> Path:
        """TensorBoard logs."""
        return self.path / "logs"

    @classmethod
    def start(
        cls, path: str | os.PathLike[str], settings: TrainingSettings, dataset: SAXDataset, *, resume: bool = False
    ) -> RunFolder:
        """Create the folder and write settings and patients.

        Args:
            path: The folder.
            settings: Training hyperparameters.
            dataset: The data.
            resume: Accept a folder in which a run with the same settings and patients was begun.

        Raises:
            DataError: The folder is not empty, or holds another run than the one to resume.
        """
        run = cls(Path(path))
        data, patients = _describe_data(dataset)
        if resume and run._begun:
            run._check_same(settings, data, patients)
        else:
            run._delete_leftovers()
            if resume and run.data.is_file() and read_json(run.data) == data:
                run.data.unlink()  # of a run that was killed before it wrote its settings
            require_empty(run.path)
            run.path.mkdir(parents=True, exist_ok=True)
            write_json(run.data, data)
            write_settings(run.settings, settings)
        write_json(run.split, patients)
        return run

    @classmethod
    def finished(
        cls, path: str | os.PathLike[str], settings: TrainingSettings, dataset: SAXDataset
    ) -> RunFolder | None:
        """Return the run if it is finished, else None. The finished run is not changed.

        Raises:
            DataError: It was trained with other settings or patients.
        """
        run = cls(Path(path))
        if not run.network.is_file():
            return None
        run._check_same(settings, *_describe_data(dataset))
        run._delete_leftovers()
        return run

    def finish(self, model: keras.Model, info: PretrainedInfo) -> None:
        """Write the trained network and delete the checkpoint.

        Args:
            model: The network.
            info: Its plain values.

        Raises:
            DataError: A weight is not finite, because the training diverged, or the folder was deleted.
        """
        if not self._begun:
            raise DataError(self.path, "was deleted during the training", "train again in a new folder")
        with atomic_file(self.model) as temporary:
            model.save(temporary)
        try:
            write_pretrained(self.network, model, info)
        except ValueError:  # a full disk is an OSError
            with as_data_error(self.path, "has a network that diverged", "train with a lower learning rate"):
                raise
        self._delete_leftovers()

    def load_checkpoint(self) -> keras.Model:
        """Load the network of an unfinished run, with its optimizer.

        Resume your own runs only. Keras refuses Python code in the file, but the file decides what Keras builds.

        Raises:
            DataError: The file is not a Keras model, or holds Python code.
        """
        with as_data_error(self.checkpoint, "cannot be loaded as a Keras model", "train again"):
            return keras.saving.load_model(self.checkpoint, safe_mode=True)

    def roles(self) -> dict[str, str]:
        """Return the split of each patient, by patient.

        Raises:
            DataError: `split.json` cannot be read, or is not an object of lists of patients.
        """
        splits = read_json(self.split)
        lists = splits.values() if isinstance(splits, dict) else [None]
        if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists):
            raise DataError(self.split, "does not describe a split", expected="an object of lists of patients")
        return {patient: name for name, patients in splits.items() for patient in patients}

    def _delete_leftovers(self) -> None:
        """Delete the checkpoint of a finished run and leftover temporary files."""
        stale = [self.checkpoint] if self.network.is_file() else []
        written = (
            self.settings,
            self.data,
            self.split,
            self.history,
            self.curves,
            self.model,
            self.checkpoint,
            self.network,
        )
        for file in (*written, self.network.with_suffix(".npz")):
            stale += self.path.glob(f".{file.stem}.*{file.suffix}")
        for path in stale:
            path.unlink(missing_ok=True)

    @property
    def _old_settings(self) -> Path:
        """Settings of training and data in one file, as runs were written before `settings.toml`."""
        return self.path / "settings.json"

    @property
    def _begun(self) -> bool:
        """Whether the settings are written, which is what a run does first."""
        return self.settings.is_file() or self._old_settings.is_file()

    def _check_same(
        self, settings: TrainingSettings, data: Mapping[str, Any], patients: Mapping[str, list[str]]
    ) -> None:
        """Raise if settings or patients differ from the run being resumed. Data path and version may differ."""
        if self.split.is_file() and read_json(self.split) != patients:
            raise DataError(self.path, "was begun with other patients", _RESUME_HINT)
        for begun, values in zip(self._read_begun(), (asdict(settings), data), strict=True):
            for name, value in values.items():
                if name not in ("data_dir", "keras_lvseg") and begun.get(name) != value:
                    problem, begun_with = f"was begun with another {name}", repr(begun.get(name))
                    raise DataError(self.path, problem, _RESUME_HINT, expected=begun_with, got=repr(value))

    def _read_begun(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return the settings of training and of data that the run was begun with."""
        training: Any
        if self.settings.is_file():
            source, training, data = self.data, asdict(read_settings(self.settings)), read_json(self.data)
        else:
            source, old = self._old_settings, read_json(self._old_settings)
            training, data = (old.get("training"), old.get("data")) if isinstance(old, dict) else (None, None)
        if not isinstance(training, dict) or not isinstance(data, dict):
            raise DataError(source, "does not describe a run", "train in a new folder")
        return training, data


def _describe_data(dataset: SAXDataset) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the content of `data.json` and of `split.json`."""
    info = dataset.info
    splits = info.pop("splits")
    info["labelled_frames"] = {name: split["labelled_frames"] for name, split in splits.items()}
    return {"keras_lvseg": __version__, **info}, {name: split["patients"] for name, split in splits.items()}
