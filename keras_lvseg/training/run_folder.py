"""The folder that a training run leaves: what was trained, on whom, how, and what came of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_lvseg import __version__
from keras_lvseg.data import SAXDataset
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.data.targets import Target
from keras_lvseg.errors import DataError
from keras_lvseg.files import check_free, write_json
from keras_lvseg.training.settings import TrainingSettings

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class RunFolder:
    """A run's files.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.path / "model.keras"

    @property
    def settings(self) -> Path:
        """Settings of training and data, as JSON."""
        return self.path / "settings.json"

    @property
    def split(self) -> Path:
        """The patients of each side, as JSON."""
        return self.path / "split.json"

    @property
    def history(self) -> Path:
        """Loss and Dice of each epoch, as CSV."""
        return self.path / "history.csv"

    @property
    def curves(self) -> Path:
        """The same as a picture."""
        return self.path / "curves.png"

    @property
    def logs(self) -> Path:
        """TensorBoard logs."""
        return self.path / "logs"

    @classmethod
    def start(cls, path: str | os.PathLike[str], settings: TrainingSettings, dataset: SAXDataset) -> RunFolder:
        """Make the folder and write down what is about to be done.

        Raises:
            DataError: The folder is there and holds something.
            ValueError: The data set's intensity is a function, which no file can hold.
        """
        run = cls(Path(path))
        check_free(run.path)
        if callable(dataset.preprocessing.intensity):
            raise ValueError("intensity has to be a name for a run to be written down. Received: a function")
        run.path.mkdir(parents=True, exist_ok=True)
        info = dataset.info
        splits = info.pop("splits")
        written = {"keras_lvseg": __version__, "training": asdict(settings), "data": info}
        write_json(run.settings, written)
        write_json(run.split, {name: split["patients"] for name, split in splits.items()})
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Find a finished run.

        Raises:
            DataError: The folder holds no finished run.
        """
        run = cls(Path(path))
        for file in (run.settings, run.split, run.model):
            if not file.is_file():
                problem = f"is no finished training run: it has no {file.name}"
                raise DataError(run.path, problem, "'keras-lvseg train' makes one")
        return run

    def load_model(self) -> keras.Model:
        """Load the trained network.

        Raises:
            DataError: The file is no Keras model.
        """
        import keras

        try:
            return keras.saving.load_model(self.model)
        except Exception as error:  # a damaged archive makes keras raise whatever its parts raise
            reason = " ".join(str(error).split())[:120]
            raise DataError(self.model, f"is no Keras model that can be loaded ({reason})", "train again") from None

    def preprocessing(self) -> Preprocessing:
        """How the network wants its frames."""
        data = self._data()
        return Preprocessing(tuple(data["image_size"]), data["pixel_spacing"], data["intensity"])

    def target(self) -> Target:
        """What the network was trained to find."""
        return self._data()["target"]

    def contour_origin(self) -> float:
        """Where the contours that it was trained on were taken to lie."""
        return self._data()["contour_origin"]

    def patients(self) -> dict[str, str]:
        """The split that each patient stood in, by patient."""
        split = _read_json(self.split)
        return {patient: name for name, patients in split.items() for patient in patients}

    def _data(self) -> dict[str, Any]:
        settings = _read_json(self.settings)
        try:
            return settings["data"]
        except (KeyError, TypeError):
            raise DataError(self.settings, "has no part 'data'", "'keras-lvseg train' writes it") from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(path, f"is no JSON that can be read ({error})") from None
