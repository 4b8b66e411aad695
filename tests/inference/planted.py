"""Networks whose right answer is known, as finished training runs, and frames made of nothing but numbers."""

from pathlib import Path

import keras
import numpy as np

from keras_lvseg.files import write_json
from keras_lvseg.studies.frame import Frame


def write_planted_run(
    folder: Path,
    threshold: float,
    image_size: tuple[int, int] = (256, 256),
    pixel_spacing: float | None = None,
    intensity: str | None = None,
    mirror: bool = False,
    clean: bool = False,
) -> Path:
    """A network whose class 1 is whatever is brighter than a threshold."""
    image = keras.Input((None, None, 1))
    model = keras.Model(image, keras.layers.Conv2D(2, 1, name="logits")(image))
    model.get_layer("logits").set_weights([np.array([[[[0.0, 1.0]]]]), np.array([0.0, -threshold])])
    data = {"image_size": image_size, "pixel_spacing": pixel_spacing, "intensity": intensity, "contour_origin": -0.75}
    folder.mkdir(parents=True)
    write_json(folder / "settings.json", {"training": {"mirror": mirror, "clean": clean}, "data": data})
    write_json(folder / "split.json", {"train": ["somebody"]})
    model.save(folder / "model.keras")
    return folder


def frame(path: Path, **values: object) -> Frame:
    """A frame that nobody reads."""
    known = {
        "rows": 20,
        "columns": 16,
        "pixel_spacing": (1.5, 1.5),
        "position": (0.0,) * 3,
        "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    }
    return Frame(path, "", "", **(known | values))
