"""Engines that compute a trained network without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np

from keras_lvseg.errors import invalid_argument
from keras_lvseg.inference.engines.network_graph import network_graph
from keras_lvseg.inference.predict import Predict
from keras_lvseg.models.gpu import has_gpu
from keras_lvseg.models.pretrained import PretrainedInfo

Engine = Literal["auto", "keras", "openvino", "onnx"]

ENGINES: tuple[Engine, ...] = ("auto", "keras", "openvino", "onnx")
"""Names of engines, see `keras_lvseg.Segmenter`."""

_MODULES = {"openvino": ("openvino", "onnx"), "onnx": ("onnxruntime", "onnx")}


def choose_engine(name: Engine) -> Engine:
    """Return the engine to compute with.

    Args:
        name: One of `ENGINES`. "auto" is OpenVINO if it is installed and Keras sees no GPU, else Keras.

    Raises:
        ValueError: The name is unknown, or the engine is not installed.

    Example:
        >>> choose_engine("keras")
        'keras'
    """
    if name not in ENGINES:
        raise invalid_argument("engine", name, f"one of {', '.join(ENGINES)}")
    if name == "auto":
        return "openvino" if _is_installed("openvino") and not has_gpu() else "keras"
    check_installed(name)
    return name


def open_engine(name: Engine, info: PretrainedInfo, arrays: Mapping[str, np.ndarray]) -> Predict:
    """Compile a trained network for the CPU, in float32.

    Args:
        name: "openvino" or "onnx".
        info: Plain values of the network.
        arrays: Its arrays, see `keras_lvseg.models.pretrained.read_arrays`.

    Returns:
        A function from images to class probabilities. A U-Net takes images of any size.
    """

    @cache
    def compiled(rows: int, columns: int) -> Predict:
        graph = network_graph(info, arrays, image_size=(rows, columns), softmax=True)
        return compile_graph(name, graph.SerializeToString())

    compiled(*info.data["image_size"])  # raises for arrays of another network
    return lambda images: compiled(*images.shape[1:3])(images)


def compile_graph(name: str, graph: bytes | Path) -> Predict:
    """Compile a graph for the CPU, in float32.

    Args:
        name: "openvino" or "onnx".
        graph: The bytes of an ONNX graph, or a file that the engine reads.

    Returns:
        A function from images to the graph's output.
    """
    if name == "openvino":
        import openvino

        core = openvino.Core()
        model = core.read_model(graph)
        # Some CPUs would compute in bfloat16 without the hint.
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda images: compiled(images, share_outputs=False)[0]
    import onnxruntime

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"image": images})[0]


def check_installed(name: str, *, argument: str = "engine") -> None:
    """Raise if an engine is not installed.

    Args:
        name: The engine.
        argument: Name of the argument in the error.

    Raises:
        ValueError: It is not.
    """
    if not _is_installed(name):
        raise invalid_argument(argument, name, f'one that is installed; try pip install "keras-lvseg[{name}]"')


def _is_installed(name: str) -> bool:
    return all(find_spec(module) is not None for module in _MODULES.get(name, ()))
