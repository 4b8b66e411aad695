"""Trained networks on disk: arrays without code in an `.npz` file, and plain values in a JSON file of the same name.

Bundled weights and the networks of training runs have this one format.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.files import atomic_file, read_bytes, read_json, write_json
from keras_lvseg.version import __version__

WEIGHTS = Path(__file__).with_name("weights")
"""The folder of the bundled weights."""

CERTAINTY: Mapping[str, float] = {"end": 0.9, "end_of_stills": 0.7, "flag": 0.92}
"""`certainty` of a network that says nothing else; see `PretrainedInfo` and `docs/validation/consistency.md`."""

_ARGUMENTS = {
    "unet": {"input_shape", "num_classes", "filters", "depth", "normalization", "dropout", "residual"},
    "fcn": {"input_shape", "num_classes", "filters"},
    "fully_connected": {"input_shape", "num_classes", "hidden_units"},
}
_DATA = {"target", "image_size", "pixel_spacing", "intensity", "contour_origin"}
_CLASSES = {"endocardium": 2, "myocardium": 3}
_MAX_DEPTH = 8
_MAX_IMAGE_SIZE = 1024  # pixels; cine MRI has at most 512
_PIXEL_SPACING_RANGE = (0.1, 10.0)  # mm
_MAX_ORIGIN = 10  # pixels
_MAX_BYTES = 1 << 31


@dataclass(frozen=True)
class PretrainedInfo:
    """The plain values of a trained network.

    Args:
        network: Function in `keras_lvseg.models` that builds the network: "unet", "fcn" or "fully_connected".
        architecture: Keyword arguments of that function.
        data: Keyword arguments of `SAXDataset`: "target", "image_size" (at most 1024 x 1024), "pixel_spacing"
            (0.1 to 10 mm, or None), "intensity" ("zscore", "course" or None) and "contour_origin" (-10 to 10 pixels).
        inference: Keyword arguments of `keras_lvseg.inference.predict_masks`: "flip_tta" and "postprocess".
        training: Patients and settings of the training.
        certainty: Mean probabilities inside the masks of a study, from 0 to 1, because some networks are more certain
            than others. A slice at the end of a stack is removed under "end" (under "end_of_stills" with fewer than 5
            phases). A mask under "flag" is uncertain.
        keras_lvseg: Version of the package that wrote the network.
        sha256: Hash of the file of arrays.

    Raises:
        ValueError: A value breaks its rule.
    """

    network: str
    architecture: Mapping[str, Any]
    data: Mapping[str, Any]
    inference: Mapping[str, bool]
    training: Mapping[str, Any]
    certainty: Mapping[str, float] = field(default_factory=lambda: {**CERTAINTY})
    keras_lvseg: str = __version__
    sha256: str = ""

    def __post_init__(self) -> None:
        _require("network", self.network, self.network in [*_ARGUMENTS], f"one of {', '.join(_ARGUMENTS)}")
        _require_keys("architecture", self.architecture, _ARGUMENTS[self.network])
        _require_keys("data", self.data, _DATA)
        _require_keys("inference", self.inference, {"flip_tta", "postprocess"})
        booleans = all(isinstance(value, bool) for value in self.inference.values())
        _require("inference", self.inference, booleans, "true or false per option")
        _require("training", self.training, isinstance(self.training, dict), "an object")
        _require_keys("certainty", self.certainty, {*CERTAINTY})
        shares = all(_is_number(value, 0, 1) for value in self.certainty.values())
        _require("certainty", self.certainty, shares, "numbers from 0 to 1")
        for name in ("keras_lvseg", "sha256"):
            _require(name, getattr(self, name), isinstance(getattr(self, name), str), "text")

        target, size, spacing = (self.data[name] for name in ("target", "image_size", "pixel_spacing"))
        intensity, origin = self.data["intensity"], self.data["contour_origin"]
        _require("target", target, target in [*_CLASSES], f"one of {', '.join(_CLASSES)}")
        pair = isinstance(size, (list, tuple)) and len(size) == 2
        sides = pair and all(_is_integer(side, 1, _MAX_IMAGE_SIZE) for side in size)
        _require("image_size", size, sides, f"two integers from 1 to {_MAX_IMAGE_SIZE}")
        low, high = _PIXEL_SPACING_RANGE
        in_mm = spacing is None or _is_number(spacing, low, high)
        _require("pixel_spacing", spacing, in_mm, f"{low:g} to {high:g} mm, or None")
        _require("intensity", intensity, intensity in ("zscore", "course", None), "'zscore', 'course' or None")
        near = _is_number(origin, -_MAX_ORIGIN, _MAX_ORIGIN)
        _require("contour_origin", origin, near, f"-{_MAX_ORIGIN} to {_MAX_ORIGIN} pixels")

        shape, depth = self.architecture["input_shape"], self.architecture.get("depth", 1)
        expected_shape = [None, None, 1] if self.network == "unet" else [*size, 1]
        _require("input_shape", shape, shape in (expected_shape, tuple(expected_shape)), f"{expected_shape}")
        classes = self.architecture["num_classes"]
        _require("num_classes", classes, classes == _CLASSES[target], f"{_CLASSES[target]} for {target}")
        _require("depth", depth, _is_integer(depth, 1, _MAX_DEPTH), f"an integer from 1 to {_MAX_DEPTH}")


def pretrained_names() -> tuple[str, ...]:
    """Return the names of the bundled weights, as `unet` takes them for `weights`.

    Example:
        >>> pretrained_names()
        ('sax-lv',)
    """
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.json")))


def pretrained_info(name: str | os.PathLike[str]) -> PretrainedInfo:
    """Read the plain values of a trained network.

    Args:
        name: Name of bundled weights, or path of a network's JSON file.

    Raises:
        DataError: The file is missing, damaged, or describes no network.

    Example:
        >>> pretrained_info("sax-lv").architecture["filters"]
        16
        >>> pretrained_info("sax-lv").data["pixel_spacing"]
        1.5
    """
    path = _json_path(name)
    values = read_json(path)
    with as_data_error(path, "does not describe a network"):
        return PretrainedInfo(**values)


def load_pretrained(model: keras.Model, name: str | os.PathLike[str]) -> None:
    """Assign pretrained weights to a network, all or none. No code is run, and nothing is unpickled.

    Args:
        model: A network of the weights' architecture. It may have been built within a `keras.name_scope`.
        name: Name of bundled weights, or path of a network's JSON file.

    Raises:
        DataError: A file is missing or damaged, or the weights do not fit the network.

    Example:
        >>> from keras_lvseg.models import unet
        >>> model = unet(num_classes=3, filters=16)
        >>> load_pretrained(model, "sax-lv")
    """
    assign_arrays(model, read_arrays(name), name)


def read_arrays(name: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the arrays of a trained network.

    Args:
        name: Name of bundled weights, or path of a network's JSON file.

    Returns:
        Arrays of float16 or float32, by path of the weight within the network.

    Raises:
        DataError: A file is missing or damaged, or an array holds anything but finite floating-point numbers.
    """
    path = _json_path(name)
    expected = pretrained_info(path).sha256
    path = path.with_suffix(".npz")
    data = read_bytes(path, _MAX_BYTES)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != expected:
        raise DataError(path, "has another SHA-256 than its JSON file gives", expected=expected[:64], got=sha256)
    with as_data_error(path, "is not an archive of plain arrays"):
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > _MAX_BYTES:
            raise DataError(path, "has too large arrays", expected=f"at most {_MAX_BYTES:,} bytes", got=f"{size:,}")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    for key, array in arrays.items():
        if array.dtype not in (np.float16, np.float32):
            raise DataError(path, f"has a wrong type of {key}", expected="float16 or float32", got=str(array.dtype))
        if not np.isfinite(array).all():
            raise DataError(path, f"has values in {key} that are not finite")
    return arrays


def _check_fit(model: keras.Model, arrays: Mapping[str, np.ndarray], name: str | os.PathLike[str]) -> None:
    """Raise unless arrays and weights of a network have the same names and shapes.

    Args:
        model: The network.
        arrays: Arrays of `read_arrays`.
        name: The file to name in the error, see `read_arrays`.

    Raises:
        DataError: They differ.
    """
    shapes = {key: tuple(weight.shape) for key, weight in network_weights(model).items()}
    for key in sorted({*shapes, *arrays}):
        expected = str(shapes[key]) if key in shapes else "nothing"
        got = str(arrays[key].shape) if key in arrays else "nothing"
        if got != expected:
            path = _json_path(name).with_suffix(".npz")
            raise DataError(path, f"does not fit the network at {key}", expected=expected, got=got)


def assign_arrays(model: keras.Model, arrays: Mapping[str, np.ndarray], name: str | os.PathLike[str]) -> None:
    """Assign arrays to the weights of a network, see `_check_fit`."""
    _check_fit(model, arrays, name)
    for key, weight in network_weights(model).items():
        weight.assign(arrays[key])


def write_pretrained(
    path: str | os.PathLike[str],
    model: keras.Model,
    info: PretrainedInfo,
    *,
    dtype: Literal["float16", "float32"] = "float32",
) -> None:
    """Write a network as `load_pretrained` reads it. Each of the two files is written atomically.

    Args:
        path: The JSON file. The arrays go into a file of the same name that ends in `.npz`.
        model: The network.
        info: Its plain values. `sha256` is filled in.
        dtype: Type of the arrays.

    Raises:
        ValueError: A weight is not finite in `dtype`.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.models import unet
        >>> path = Path(tempfile.mkdtemp()) / "mine.json"
        >>> write_pretrained(path, unet(weights="sax-lv"), pretrained_info("sax-lv"))
        >>> load_pretrained(unet(num_classes=3, filters=16), path)
    """
    with np.errstate(over="ignore"):  # raised below
        weights = network_weights(model)
        arrays = {key: keras.ops.convert_to_numpy(weight).astype(dtype) for key, weight in weights.items()}
    for key, array in arrays.items():
        if not np.isfinite(array).all():
            raise invalid_argument("model", key, f"weights that are finite in {dtype}")
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    data = archive.getvalue()
    path = Path(path)
    with atomic_file(path.with_suffix(".npz")) as temporary:
        temporary.write_bytes(data)
    # The JSON file is written last: until then the old one does not match the new arrays, and reading raises.
    write_json(path, asdict(replace(info, sha256=hashlib.sha256(data).hexdigest())))


def _json_path(name: str | os.PathLike[str]) -> Path:
    return WEIGHTS / f"{name}.json" if name in pretrained_names() else Path(name)


def network_weights(model: keras.Model) -> dict[str, Any]:
    """Return the weights of a network by their path within it, without the name scopes around it.

    Example:
        >>> from keras_lvseg.models import unet
        >>> [*network_weights(unet(filters=2, depth=1))][:2]
        ['down_0/conv_1/kernel', 'down_0/conv_2/kernel']
    """
    return {
        weight.path[len(layer.path) - len(layer.name) :]: weight for layer in model.layers for weight in layer.weights
    }


def _require(name: str, value: object, valid: bool, expected: str) -> None:
    if not valid:
        raise invalid_argument(name, value, expected)


def _require_keys(name: str, value: object, keys: set[str]) -> None:
    _require(name, value, isinstance(value, dict) and {*value} == keys, f"values of {', '.join(sorted(keys))}")


def _is_integer(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and _is_number(value, low, high)


def _is_number(value: object, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
