"""The folder that a training run leaves: what was trained, on whom, how, and what came of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_lvseg.data import SAXDataset
from keras_lvseg.data.labels import Target
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_file, require_empty, write_json
from keras_lvseg.training.settings import TrainingSettings
from keras_lvseg.version import __version__

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
    def checkpoint(self) -> Path:
        """The network and its optimizer after the last epoch so far; gone when the training is finished."""
        return self.path / "checkpoint.keras"

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
    def start(
        cls, path: str | os.PathLike[str], settings: TrainingSettings, dataset: SAXDataset, resume: bool = False
    ) -> RunFolder:
        """Make the folder and write down what is about to be done.

        Args:
            path: The folder.
            settings: The knobs.
            dataset: The data.
            resume: Take a folder in which the same was begun before.

        Raises:
            DataError: The folder is there and holds something, or something else than what is to be resumed.
            ValueError: The data set's intensity is a function, which no file can hold.
        """
        run = cls(Path(path))
        written, patients = _plan(settings, dataset)
        if resume and run.settings.is_file():
            run._check_same(written, patients)
        else:
            # What a process that was killed while it wrote has left is nobody's.
            run._sweep()
            require_empty(run.path)
            run.path.mkdir(parents=True, exist_ok=True)
            write_json(run.settings, written)
        write_json(run.split, patients)
        return run

    @classmethod
    def finished(
        cls, path: str | os.PathLike[str], settings: TrainingSettings, dataset: SAXDataset
    ) -> RunFolder | None:
        """The run, if just this was trained here to its end before; nothing of it is changed.

        Raises:
            DataError: Something else was.
        """
        run = cls(Path(path))
        if not run.model.is_file():
            return None
        run._check_same(*_plan(settings, dataset))
        run._sweep()
        return run

    def finish(self, model: keras.Model) -> None:
        """Leave the trained network, and the checkpoint no longer."""
        with atomic_file(self.model) as scratch:
            model.save(scratch)
        self._sweep()

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
        return _load_model(self.model)

    def load_checkpoint(self) -> keras.Model:
        """Load the network of an unfinished run, with its optimizer.

        Raises:
            DataError: The file is no Keras model.
        """
        return _load_model(self.checkpoint)

    def preprocessing(self) -> Preprocessing:
        """How the network wants its frames."""
        data = self._part("data")
        return Preprocessing(tuple(data["image_size"]), data["pixel_spacing"], intensity=data["intensity"])

    def target(self) -> Target:
        """What the network was trained to find."""
        return self._part("data")["target"]

    def contour_origin(self) -> float:
        """Where the contours that it was trained on were taken to lie."""
        return self._part("data")["contour_origin"]

    def inference_options(self) -> dict[str, bool]:
        """What the recipe does at test, as keywords of `keras_lvseg.inference.predict.predict_masks`."""
        training = self._part("training")
        return {name: bool(training.get(name)) for name in ("mirror", "clean")}

    def patients(self) -> dict[str, str]:
        """The split that each patient stood in, by patient."""
        split = _read_json(self.split)
        return {patient: name for name, patients in split.items() for patient in patients}

    def _part(self, name: str) -> dict[str, Any]:
        settings = _read_json(self.settings)
        part = settings.get(name) if isinstance(settings, dict) else None
        if not isinstance(part, dict):
            raise DataError(self.settings, f"has no part {name!r}", "'keras-lvseg train' writes it")
        return part

    def _sweep(self) -> None:
        """Take away what a finished run needs no more, and what a process that was killed while it wrote has left."""
        stale = [self.checkpoint] if self.model.is_file() else []
        for file in (self.settings, self.split, self.history, self.curves, self.model, self.checkpoint):
            stale += self.path.glob(f".{file.stem}.[0-9]*{file.suffix}")
        for path in stale:
            path.unlink(missing_ok=True)

    def _check_same(self, written: dict[str, Any], patients: dict[str, list[str]]) -> None:
        """See to it that what was begun here is what is to go on; the data may have moved."""
        remedy = "resume with the same, or train in a new folder"
        if self.split.is_file() and _read_json(self.split) != patients:
            raise DataError(self.path, "was begun with other patients", remedy)
        for part in ("training", "data"):
            begun = self._part(part)
            for name, value in written[part].items():
                if name != "data_dir" and begun.get(name) != value:
                    problem = f"was begun with {name}={begun.get(name)!r}, and {value!r} was asked for"
                    raise DataError(self.path, problem, remedy)


def _plan(settings: TrainingSettings, dataset: SAXDataset) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What a run is: settings, data and how many images of it are labelled; and the patients of each split."""
    if callable(dataset.preprocessing.intensity):
        raise ValueError("intensity has to be a name for a run to be written down. Received: a function")
    info = dataset.info
    splits = info.pop("splits")
    info["labelled_frames"] = {name: split["labelled_frames"] for name, split in splits.items()}
    written = {"keras_lvseg": __version__, "training": asdict(settings), "data": info}
    return written, {name: split["patients"] for name, split in splits.items()}


def _load_model(path: Path) -> keras.Model:
    import keras

    try:
        return keras.saving.load_model(path)
    except Exception as error:  # a damaged archive makes keras raise whatever its parts raise
        reason = " ".join(str(error).split())[:120]
        raise DataError(path, f"is no Keras model that can be loaded ({reason})", "train again") from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(path, f"is no JSON that can be read ({error})") from None
