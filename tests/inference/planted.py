"""Networks with known answers, as finished training runs, and frames without files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import keras
import numpy as np

from keras_lvseg.files import write_json
from keras_lvseg.models import unet
from keras_lvseg.models.pretrained import PretrainedInfo, write_pretrained
from keras_lvseg.studies.frame import Frame

_ARCHITECTURE = {
    "input_shape": [None, None, 1],
    "num_classes": 2,
    "filters": 1,
    "depth": 1,
    "normalization": "none",
    "dropout": 0.0,
    "residual": False,
}


def write_planted_run(
    folder: Path,
    threshold: float,
    image_size: tuple[int, int] = (256, 256),
    pixel_spacing: float | None = None,
    intensity: str | None = None,
    flip_tta: bool = False,
    postprocess: bool = False,
    split: Mapping[str, Sequence[str]] = MappingProxyType({"train": ("P0",)}),
    wall: float | None = None,
) -> Path:
    """Write a finished run with the network of `threshold_network`."""
    info = PretrainedInfo(
        network="unet",
        architecture=_ARCHITECTURE | {"num_classes": 2 if wall is None else 3},
        data={
            "target": "endocardium" if wall is None else "myocardium",
            "image_size": image_size,
            "pixel_spacing": pixel_spacing,
            "intensity": intensity,
            "contour_origin": -0.75,
        },
        inference={"flip_tta": flip_tta, "postprocess": postprocess},
        training={},
    )
    write_pretrained(folder / "network.json", threshold_network(threshold, wall), info)
    write_json(folder / "split.json", dict(split))
    return folder


def threshold_network(threshold: float, wall: float | None = None) -> keras.Model:
    """Build a U-Net whose class 1 is every pixel brighter than a threshold above 0.

    Class 2, if `wall` is given, is every pixel between `wall` and the threshold.
    """
    model = unet(**_ARCHITECTURE | {"num_classes": 2 if wall is None else 3})
    for layer in model.layers:
        layer.set_weights([np.zeros(weight.shape) for weight in layer.weights])
        if layer.name in ("down_0", "up_0"):  # each convolution passes its input on
            for weight in layer.weights:
                if weight.path.endswith("kernel"):
                    kernel = np.zeros(weight.shape)
                    kernel[1, 1] = 1
                    weight.assign(kernel)
    slopes, offsets = [0.0, 1.0], [0.0, -threshold]
    if wall is not None:
        slopes, offsets = [0.0, 2.0, 1.0], [0.0, -threshold - wall, -wall]
    model.get_layer("logits").set_weights([np.array([[[slopes]]]), np.array(offsets)])
    return model


def frame(path: Path, **values: object) -> Frame:
    """Return a frame whose file does not exist."""
    known = {
        "rows": 20,
        "columns": 16,
        "pixel_spacing": (1.5, 1.5),
    }
    return Frame(path, "", "", **(known | values))
