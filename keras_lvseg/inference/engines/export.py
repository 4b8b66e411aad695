"""Export of trained networks to OpenVINO and ONNX, with a check against Keras."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.files import atomic_directory, write_json
from keras_lvseg.inference.engines.engine import check_installed, compile_graph
from keras_lvseg.inference.engines.network_graph import network_graph
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.inference.trained_network import NETWORK_FILE, TrainedNetwork
from keras_lvseg.models.pretrained import pretrained_names, read_arrays
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies.frame_images import read_image

FORMATS: tuple[Literal["openvino", "onnx"], ...] = ("openvino", "onnx")
"""Formats of `export_network`."""

_FILES = {"openvino": "network.xml", "onnx": "network.onnx"}
_PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime"}
_MIN_EQUAL = 0.9999
_MAX_IMAGES = 64


@dataclass(frozen=True)
class Parity:
    """Difference between an exported network and the same network in Keras.

    Attributes:
        images: Number of images that both computed.
        largest_difference: Largest difference of two logits.
        largest_logit: Largest absolute logit.
        equal_pixels: Share of the pixels with the same class, from 0 to 1.
        computed_by: The engine that read the exported file, with its version.
        compared_with: Keras and its backend, with the version of Keras.
    """

    images: int
    largest_difference: float
    largest_logit: float
    equal_pixels: float
    computed_by: str
    compared_with: str


def export_network(
    run: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    format: Literal["openvino", "onnx"] = "openvino",
    images: str | os.PathLike[str] | None = None,
) -> Parity:
    """Export a trained network for programs without Keras, whole or not at all.

    The folder gets `network.xml` with `network.bin`, or `network.onnx`. Its input is "image", its output "logits",
    float32 of shape (B, H, W, 1) and (B, H, W, classes), for any B. H and W are the network's `image_size`.
    `network.json` has what images the network expects and how its probabilities become masks, and `parity.json` has the
    result of this function.

    Args:
        run: Name of bundled weights, or folder of a finished training run.
        folder: The folder to write, new or empty.
        format: "openvino" or "onnx". The extra of that name has what is needed.
        images: What `Segmenter.segment` takes, to compare the exported network with Keras on its first 64 images. None
            takes synthetic hearts.

    Returns:
        The comparison with Keras.

    Raises:
        DataError: The run or the images cannot be read, the folder is not empty, or less than 99.99 % of the pixels
            have the same class.
        ValueError: The format is unknown or not installed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "exported"
        >>> parity = export_network("sax-lv", folder, format="onnx")
        >>> parity.equal_pixels > 0.9999, parity.largest_difference < 1e-3
        (True, True)
    """
    if format not in FORMATS:
        raise invalid_argument("format", format, f"one of {', '.join(FORMATS)}")
    check_installed(format, argument="format")
    name = os.fspath(run)
    network = TrainedNetwork.bundled(name) if name in pretrained_names() else TrainedNetwork.from_run(run)
    compared = np.stack([*islice(_prepared(network, images), _MAX_IMAGES)])[..., None]
    with atomic_directory(folder) as temporary:
        file = temporary / _FILES[format]
        _write_graph(network, file)
        parity = _compare(network, file, format, compared)
        if parity.equal_pixels < _MIN_EQUAL:
            got = f"{parity.equal_pixels:.3%}"
            raise DataError(folder, "is not written: classes differ from Keras", expected="99.99 % equal", got=got)
        write_json(temporary / NETWORK_FILE, asdict(network.info))
        write_json(temporary / "parity.json", asdict(parity))
    return parity


def _prepared(network: TrainedNetwork, images: str | os.PathLike[str] | None) -> Iterator[np.ndarray]:
    """Yield images on the network's grid."""
    with tempfile.TemporaryDirectory() as scratch:
        if images is None:
            write_phantom(scratch, patients=1, frames="contoured")
        inputs = find_inputs(scratch if images is None else images)
        if not inputs.studies:
            raise DataError(images or scratch, "holds no image that can be segmented")
        for study in inputs.studies:
            for frame in study.frames:
                image = read_image(frame)
                yield network.preprocessing.image(image, network.grid(image, frame.pixel_spacing))


def _write_graph(network: TrainedNetwork, file: Path) -> None:
    graph = network_graph(network.info, read_arrays(network.weights)).SerializeToString()
    if file.suffix == ".onnx":
        file.write_bytes(graph)
        return
    import openvino

    openvino.save_model(openvino.Core().read_model(graph), file, compress_to_fp16=False)


def _compare(network: TrainedNetwork, file: Path, format: str, images: np.ndarray) -> Parity:
    got = compile_graph(format, file)(images)
    expected = keras.ops.convert_to_numpy(network.model.predict_on_batch(images))
    package = _PACKAGES[format]
    return Parity(
        images=len(images),
        largest_difference=float(np.abs(got - expected).max()),
        largest_logit=float(np.abs(expected).max()),
        equal_pixels=float(np.mean(got.argmax(-1) == expected.argmax(-1))),
        computed_by=f"{package} {version(package)}",
        compared_with=f"keras {keras.__version__} on {keras.backend.backend()}",
    )
