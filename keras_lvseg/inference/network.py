"""A trained network, with all that it takes to use it as it was trained."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.inference.predict import predict_labels
from keras_lvseg.models import unet
from keras_lvseg.models.dtype_policy import dtype_policy
from keras_lvseg.models.pretrained import pretrained_info

_SHIPPED = "sax-lv"


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        name: Which one, as plain values.
        model: From images of shape (B, H, W, 1) to logits.
        preprocessing: How images become what it is given.
        contour_origin: Where the contours that it was trained on were taken to lie.
        mirror: See `keras_lvseg.inference.predict.predict_masks`.
        clean: See there.
        usual_spacing: mm; what to take for the pixel spacing of an image that does not tell.
    """

    name: dict[str, Any]
    model: keras.Model
    preprocessing: Preprocessing
    contour_origin: float
    mirror: bool
    clean: bool
    usual_spacing: float = 1.37  # the median of the 2009 challenge's training patients

    @classmethod
    def shipped(cls) -> Network:
        """The one that comes with the package."""
        info = pretrained_info(_SHIPPED)
        data = info["data"]
        with dtype_policy("float32"):
            model = unet(weights=_SHIPPED)
        return cls(
            name={"weights": _SHIPPED, "keras_lvseg": info["keras_lvseg"], "sha256": info["sha256"]},
            model=model,
            preprocessing=Preprocessing(tuple(data["image_size"]), data["pixel_spacing"], intensity=data["intensity"]),
            contour_origin=data["contour_origin"],
            **info["inference"],
        )

    @classmethod
    def of_run(cls, folder: str | os.PathLike[str]) -> Network:
        """A finished training run's.

        Raises:
            DataError: The folder holds no finished run.
        """
        # Here, so that the network that comes with the package needs nothing of training.
        from keras_lvseg.training.run_folder import RunFolder

        run = RunFolder.open(folder)
        return cls(
            name={"run": os.fspath(folder)},
            model=run.load_model(),
            preprocessing=run.preprocessing(),
            contour_origin=run.contour_origin(),
            **run.inference_options(),
        )

    def masks(self, images: list[np.ndarray], spacings: list[tuple[float, float]]) -> list[np.ndarray]:
        """Find the cavity.

        Args:
            images: Arrays of shape (rows, columns), which may differ, in any unit; one or more.
            spacings: mm between rows and between columns, for each; nan where it is not known.

        Returns:
            bool arrays of the images' shapes.
        """
        grids = [
            self.preprocessing.grid_in(image.shape, tuple(np.where(np.isnan(spacing), self.usual_spacing, spacing)))
            for image, spacing in zip(images, spacings, strict=True)
        ]
        labels = predict_labels(self.model, images, grids, self.preprocessing, self.mirror, self.clean)
        return [found == 1 for found in labels]
