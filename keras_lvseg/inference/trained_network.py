"""A trained network with everything that prediction needs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.engines.engine import Engine, choose_engine, open_engine
from keras_lvseg.inference.predict import Predict, Views, average_views, keras_predict, native_masks
from keras_lvseg.inference.windows import Window, cavity_window, predict_windows
from keras_lvseg.models.build import load_network
from keras_lvseg.models.pretrained import PretrainedInfo, pretrained_info, read_arrays

NETWORK_FILE = "network.json"
"""Name of the file that describes the network in a run folder."""

TYPICAL_SPACING = 1.37
"""Pixel spacing in mm to assume where it is unknown: the median of the 2009 challenge's training patients."""

WINDOW = 120.0
"""Side length in mm of the window around the heart: the widest ventricles, and their walls."""


class TrainedNetwork:
    """A trained network with its preprocessing and postprocessing.

    Args:
        weights: Name of bundled weights, or path of a network's JSON file. Nothing in the files can run code.
        source: Plain values that identify the network.
        engine: See `keras_lvseg.Segmenter`.
        views: See `keras_lvseg.Segmenter`.

    Attributes:
        info: Architecture, grid, intensities, inference options and training.
        source: Name and hash of bundled weights, or the run folder.
        engine: What computes the network: "keras", "openvino" or "onnx".
        views: Number of views of an image that are averaged.
        weights: Name of the weights, or path of the JSON file.

    Raises:
        DataError: A file is missing or damaged.
        ValueError: The engine is unknown or not installed, or `views` is not 1, 2 or 4.

    Example:
        >>> network = TrainedNetwork.bundled()
        >>> network.preprocessing.image_size, network.info.inference["flip_tta"]
        ((144, 144), True)
    """

    def __init__(
        self,
        weights: str | os.PathLike[str],
        source: Mapping[str, str],
        *,
        engine: Engine = "keras",
        views: Views | None = None,
    ) -> None:
        if views not in (1, 2, 4, None):
            raise invalid_argument("views", views, "1, 2, 4 or None")
        self.weights: str | os.PathLike[str] = weights
        self.info: PretrainedInfo = pretrained_info(weights)
        self.source: Mapping[str, str] = source
        self.engine: Engine = choose_engine(engine)
        self.views: Views = views or (2 if self.info.inference["flip_tta"] else 1)
        self._predict: Predict = keras_predict(self.model) if self.engine == "keras" else self._open_engine()

    @classmethod
    def bundled(cls, name: str = "sax-lv", *, engine: Engine = "keras", views: Views | None = None) -> TrainedNetwork:
        """Load bundled weights.

        Args:
            name: One of `keras_lvseg.models.pretrained.pretrained_names`.
            engine: See `keras_lvseg.Segmenter`.
            views: See `keras_lvseg.Segmenter`.
        """
        info = pretrained_info(name)
        source = {"weights": name, "keras_lvseg": info.keras_lvseg, "sha256": info.sha256}
        return cls(name, source, engine=engine, views=views)

    @classmethod
    def from_run(
        cls, folder: str | os.PathLike[str], *, engine: Engine = "keras", views: Views | None = None
    ) -> TrainedNetwork:
        """Load the network of a finished training run. Nothing in the folder can run code.

        Args:
            folder: The run folder, of which `network.json` and `network.npz` are read.
            engine: See `keras_lvseg.Segmenter`.
            views: See `keras_lvseg.Segmenter`.

        Raises:
            DataError: The folder is not a finished run, or a file is damaged.
            ValueError: See `TrainedNetwork`.
        """
        path = Path(folder) / NETWORK_FILE
        if not path.is_file():
            problem = f"is not a finished training run: it has no {NETWORK_FILE}"
            raise DataError(folder, problem, "'keras-lvseg train' writes one")
        return cls(path, {"run": os.fspath(folder)}, engine=engine, views=views)

    @cached_property
    def model(self) -> keras.Model:
        """The Keras network, from images of shape (B, H, W, 1) to logits. It is loaded on first use."""
        return load_network(self.weights)[0]

    def _open_engine(self) -> Predict:
        arrays = read_arrays(self.weights)
        with as_data_error(self.weights, "describes a network that cannot be built"):
            return open_engine(self.engine, self.info, arrays)

    @property
    def preprocessing(self) -> Preprocessing:
        """Grid and intensities of the network's input."""
        data = self.info.data
        rows, columns = data["image_size"]
        return Preprocessing((rows, columns), data["pixel_spacing"], intensity=data["intensity"])

    @property
    def has_myocardium(self) -> bool:
        """Whether the network tells the myocardium from the background."""
        return self.info.data["target"] == "myocardium"

    @property
    def window(self) -> int | None:
        """Side length in pixels of the window around the heart. None if whole images count."""
        spacing, architecture = self.info.data["pixel_spacing"], self.info.architecture
        # Other normalizations take the mean over the image, so that a part of it would be normalized otherwise.
        if self.info.network != "unet" or architecture["normalization"] not in ("batch", "none") or spacing is None:
            return None
        halvings = 2 ** architecture["depth"]
        side = math.ceil(WINDOW / spacing / halvings) * halvings
        return side if side < min(self.info.data["image_size"]) else None

    def masks(self, images: Sequence[np.ndarray], spacings: Sequence[tuple[float, float]]) -> list[np.ndarray]:
        """Segment images.

        Args:
            images: Arrays of shape (rows, columns), one or more, in any unit. Their shapes may differ.
            spacings: Distance in mm between rows and between columns, per image. NaN is unknown: 1.37 mm is assumed.

        Returns:
            uint8 arrays of the images' shapes: 0 background, 1 cavity, 2 myocardium if `has_myocardium`.
        """
        grids = [self.grid(image, spacing) for image, spacing in zip(images, spacings, strict=True)]
        prepared = [self.preprocessing.image(image, grid) for image, grid in zip(images, grids, strict=True)]
        return native_masks(self.foregrounds(prepared), grids, postprocess=self.info.inference["postprocess"])

    def grid(self, image: np.ndarray, spacing: tuple[float, float]) -> NetworkGrid:
        """Return the network's grid in an image.

        Args:
            image: Array of shape (rows, columns).
            spacing: Distance in mm between rows and between columns. NaN is unknown: 1.37 mm is assumed.
        """
        rows, columns = np.where(np.isnan(spacing), TYPICAL_SPACING, spacing).tolist()
        return self.preprocessing.grid_for(image.shape, (rows, columns))

    def first_looks(self, prepared: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the probabilities of one view of whole images, on the network's grid.

        Args:
            prepared: Images on the network's grid, one or more: results of `preprocessing.image`.

        Returns:
            Per image, an argument of `keras_lvseg.inference.predict.native_probabilities`.
        """
        return self._whole_images(prepared, views=1)

    def _whole_images(self, prepared: Sequence[np.ndarray], views: Views) -> list[np.ndarray]:
        return [own[..., 1:] for own in average_views(self._predict, np.stack(prepared)[..., None], views=views)]

    def foregrounds(self, prepared: Sequence[np.ndarray], windows: Sequence[Window] | None = None) -> list[np.ndarray]:
        """Return the probabilities of the classes above 0, on the network's grid.

        Args:
            prepared: See `first_looks`.
            windows: The part of each image with the heart. None searches it in each image, if the network has a
                `window`, by a first look.

        Returns:
            See `first_looks`.
        """
        if windows is not None:
            normalize = self.preprocessing.normalize
            found = predict_windows(self._predict, prepared, windows, views=self.views, normalize=normalize)
            return [own[..., 1:] for own in found]
        if self.window is None:
            return self._whole_images(prepared, self.views)
        looks = self.first_looks(prepared)
        places = {i: place for i, own in enumerate(looks) if (place := cavity_window(own[..., 0], self.window))}
        if places:
            closer = self.foregrounds([prepared[i] for i in places], [*places.values()])
            for i, own in zip(places, closer, strict=True):
                looks[i] = own
        return looks
