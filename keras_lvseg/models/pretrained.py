"""Weights that come with the package: a file of float16 arrays, and beside it a JSON that says what they are for."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_file, read_bytes, write_json
from keras_lvseg.version import __version__

WEIGHTS = Path(__file__).with_name("weights")
"""The folder of the weights that the package ships."""

_PARTS = ("architecture", "data", "inference", "training")
_LARGEST = 5_000_000  # bytes
_REMEDY = "install keras-lvseg again"


def pretrained_names(folder: str | os.PathLike[str] = WEIGHTS) -> tuple[str, ...]:
    """The names that `unet` takes for `weights`.

    Example:
        >>> pretrained_names()
        ('sax-lv',)
    """
    return tuple(sorted(path.stem for path in Path(folder).glob("*.json")))


def pretrained_info(name: str, folder: str | os.PathLike[str] = WEIGHTS) -> dict[str, Any]:
    """Read what shipped weights are for: what a network with them has to be given, and where they come from.

    Args:
        name: Name of the weights.
        folder: Where they lie.

    Returns:
        Plain values: "architecture", the arguments of `unet`; "data", those of `SAXDataset`: which label was learned
        and how frames become images; "inference", those of `predict_masks`: how logits become masks; "training", on
        what and how it was trained; "keras_lvseg", the version that wrote them; "sha256" of the arrays' file.

    Raises:
        DataError: There is no such file, or it is damaged.

    Example:
        >>> pretrained_info("sax-lv")["architecture"]["filters"]
        16
    """
    path = Path(folder) / f"{name}.json"
    data = read_bytes(path, _LARGEST)
    try:
        info = json.loads(data)
    except (ValueError, RecursionError):
        raise DataError(path, "is damaged: it is no JSON", _REMEDY) from None
    parts = {"sha256": str, **dict.fromkeys(_PARTS, dict)}
    if not isinstance(info, dict) or not all(isinstance(info.get(key), kind) for key, kind in parts.items()):
        raise DataError(path, f"is damaged: it has to hold {', '.join(parts)}", _REMEDY)
    return info


def load_pretrained(model: keras.Model, name: str, folder: str | os.PathLike[str] = WEIGHTS) -> None:
    """Give a network shipped weights, all or none; no code is run and nothing is unpickled.

    Args:
        model: A network of the weights' architecture.
        name: Name of the weights.
        folder: Where they lie.

    Raises:
        DataError: A file is missing or damaged, or the weights are another network's.

    Example:
        >>> from keras_lvseg.models import unet
        >>> model = unet(filters=16)
        >>> load_pretrained(model, "sax-lv")
    """
    path = Path(folder) / f"{name}.npz"
    data = read_bytes(path, _LARGEST)
    if hashlib.sha256(data).hexdigest() != pretrained_info(name, folder)["sha256"]:
        raise DataError(path, f"is damaged: {name}.json gives another SHA-256", _REMEDY)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except Exception as error:  # an archive that is none makes NumPy raise whatever its parts raise
        reason = " ".join(str(error).split())[:120]
        raise DataError(path, f"is no archive of plain arrays ({reason})", _REMEDY) from None
    shapes = _shapes(model)
    for key in sorted({*shapes, *arrays}):
        due = f"float16 {shapes[key]}" if key in shapes else "nothing"
        found = f"{arrays[key].dtype} {arrays[key].shape}" if key in arrays else "nothing"
        if found != due:
            raise DataError(path, f"does not fit the network: {key} is {found}", f"{due} is due")
    for weight in model.weights:
        weight.assign(arrays[weight.path])


def write_pretrained(model: keras.Model, folder: str | os.PathLike[str], name: str, info: Mapping[str, Any]) -> None:
    """Write a U-Net's weights as `load_pretrained` reads them; each file whole or not at all.

    Args:
        model: The U-Net.
        folder: Where `<name>.npz` and `<name>.json` go.
        name: Name of the weights.
        info: The parts "architecture", "data", "inference" and "training", see `pretrained_info`.

    Raises:
        ValueError: A part is missing, "architecture" is another network's, a weight is not finite in float16, or the
            weights take more than 5 MB.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.models import unet
        >>> folder, architecture = tempfile.mkdtemp(), {"filters": 2, "depth": 1}
        >>> info = {"architecture": architecture, "data": {}, "inference": {}, "training": {}}
        >>> write_pretrained(unet(**architecture), folder, "tiny", info)
        >>> load_pretrained(unet(**architecture), "tiny", folder)
    """
    from keras_lvseg.models.unet import unet  # which imports this module

    if set(info) != set(_PARTS):
        raise ValueError(f"`info` needs the parts {', '.join(_PARTS)}. Received: {', '.join(info)}")
    if _shapes(unet(**info["architecture"])) != _shapes(model):
        rule = "`info['architecture']` must be the arguments of `unet` that give `model`"
        raise ValueError(f"{rule}. Received: {info['architecture']}")
    with np.errstate(over="ignore"):  # told below
        arrays = {weight.path: keras.ops.convert_to_numpy(weight).astype(np.float16) for weight in model.weights}
    for path, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"Every weight must be finite in float16. Received: {path}, which is not")
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    data = archive.getvalue()
    if len(data) > _LARGEST:
        raise ValueError(f"The weights must take {_LARGEST:,} bytes at most. Received: {len(data):,} bytes")
    with atomic_file(Path(folder) / f"{name}.npz") as scratch:
        scratch.write_bytes(data)
    # The second file makes the first one valid: a new one beside an old JSON is refused.
    sha256 = hashlib.sha256(data).hexdigest()
    write_json(Path(folder) / f"{name}.json", {"keras_lvseg": __version__, **info, "sha256": sha256})


def _shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {weight.path: tuple(weight.shape) for weight in model.weights}
