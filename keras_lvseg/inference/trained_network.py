"""A trained network with everything that prediction needs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.predict import predict_batch, predict_foregrounds
from keras_lvseg.models.build import load_network
from keras_lvseg.models.pretrained import PretrainedInfo

NETWORK_FILE = "network.json"
"""Name of the file that describes the network in a run folder."""

TYPICAL_SPACING = 1.37
"""Pixel spacing in mm to assume where it is unknown: the median of the 2009 challenge's training patients."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network with its preprocessing and postprocessing.

    Attributes:
        model: Network from images of shape (B, H, W, 1) to logits.
        info: Architecture, grid, intensities, inference options and training.
        source: Name and hash of bundled weights, or the run folder.

    Example:
        >>> network = TrainedNetwork.bundled()
        >>> network.preprocessing.image_size, network.info.inference["flip_tta"]
        ((144, 144), True)
    """

    model: keras.Model
    info: PretrainedInfo
    source: Mapping[str, str]

    @classmethod
    def bundled(cls, name: str = "sax-lv") -> TrainedNetwork:
        """Load bundled weights.

        Args:
            name: One of `keras_lvseg.models.pretrained.pretrained_names`.
        """
        model, info = load_network(name)
        return cls(model, info, {"weights": name, "keras_lvseg": info.keras_lvseg, "sha256": info.sha256})

    @classmethod
    def from_run(cls, folder: str | os.PathLike[str]) -> TrainedNetwork:
        """Load the network of a finished training run. Nothing in the folder can run code.

        Args:
            folder: The run folder, of which `network.json` and `network.npz` are read.

        Raises:
            DataError: The folder is not a finished run, or a file is damaged.
        """
        path = Path(folder) / NETWORK_FILE
        if not path.is_file():
            problem = f"is not a finished training run: it has no {NETWORK_FILE}"
            raise DataError(folder, problem, "'keras-lvseg train' writes one")
        model, info = load_network(path)
        return cls(model, info, {"run": os.fspath(folder)})

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

    def masks(self, images: Sequence[np.ndarray], spacings: Sequence[tuple[float, float]]) -> list[np.ndarray]:
        """Segment images.

        Args:
            images: Arrays of shape (rows, columns), one or more, in any unit. Their shapes may differ.
            spacings: Distance in mm between rows and between columns, per image. NaN is unknown: 1.37 mm is assumed.

        Returns:
            uint8 arrays of the images' shapes: 0 background, 1 cavity, 2 myocardium if `has_myocardium`.
        """
        grids = self._grids(images, spacings)
        return predict_batch(self.model, images, grids=grids, preprocessing=self.preprocessing, **self.info.inference)

    def foregrounds(
        self, images: Sequence[np.ndarray], spacings: Sequence[tuple[float, float]]
    ) -> list[tuple[np.ndarray, NetworkGrid]]:
        """Return the probabilities of the classes above 0, on the network's grid, and the grid of each image.

        Args:
            images: See `masks`.
            spacings: See `masks`.

        Returns:
            The arguments of `keras_lvseg.inference.predict.native_probabilities` per image.
        """
        grids = self._grids(images, spacings)
        own = predict_foregrounds(
            self.model,
            images,
            grids=grids,
            preprocessing=self.preprocessing,
            flip_tta=self.info.inference["flip_tta"],
        )
        return [*zip(own, grids, strict=True)]

    def _grids(self, images: Sequence[np.ndarray], spacings: Sequence[tuple[float, float]]) -> list[NetworkGrid]:
        return [
            self.preprocessing.grid_for(image.shape, tuple(np.where(np.isnan(spacing), TYPICAL_SPACING, spacing)))
            for image, spacing in zip(images, spacings, strict=True)
        ]
