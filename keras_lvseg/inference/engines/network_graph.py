"""Trained networks as ONNX graphs, built from their arrays without Keras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_lvseg.models.pretrained import PretrainedInfo

if TYPE_CHECKING:
    import onnx

_EPSILON = 1e-3  # of Keras' normalization layers
_OPSET = 17
_IR_VERSION = 8  # the oldest that has this opset, for old versions of the engines


def network_graph(
    info: PretrainedInfo,
    arrays: Mapping[str, np.ndarray],
    *,
    image_size: Sequence[int] | None = None,
    softmax: bool = False,
) -> onnx.ModelProto:
    """Build the ONNX graph of a trained network.

    Batch normalization becomes part of the convolutions. Feature maps have the channels first, as engines compute them.

    Args:
        info: Plain values of the network.
        arrays: Its arrays, see `keras_lvseg.models.pretrained.read_arrays`.
        image_size: Rows and columns of the images, another size for a U-Net. None means the network's `image_size`.
        softmax: Whether the output is "probabilities" instead of "logits".

    Returns:
        Graph from "image" to "logits", float32 of shape (B, H, W, 1) and (B, H, W, classes). H and W are
        `image_size`, and B is any number.

    Raises:
        KeyError: The network needs an array that is missing.
        ValueError: An array has another size, or the network does not need it.

    Example:
        >>> from keras_lvseg.models.pretrained import pretrained_info, read_arrays
        >>> graph = network_graph(pretrained_info("sax-lv"), read_arrays("sax-lv")).graph
        >>> [node.op_type for node in graph.node][:4]
        ['Transpose', 'Conv', 'Relu', 'Conv']
    """
    from onnx import TensorProto, helper

    builder = _Builder(arrays)
    size, architecture = tuple(image_size or info.data["image_size"]), info.architecture
    image = builder.add("Transpose", "image", perm=[0, 3, 1, 2])
    network = {"unet": _unet, "fcn": _fcn, "fully_connected": _fully_connected}[info.network]
    x, output = network(builder, image, size, architecture), "logits"
    if softmax:
        x, output = builder.add("Softmax", x, axis=1), "probabilities"
    builder.add("Transpose", x, perm=[0, 2, 3, 1], name=output)

    def tensor(name: str, channels: int) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *size, channels])

    if builder.unused:
        raise ValueError(f"the network has no {min(builder.unused)}")
    graph = helper.make_graph(
        builder.nodes,
        info.network,
        [tensor("image", 1)],
        [tensor(output, architecture["num_classes"])],
        builder.constants,
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="keras-lvseg")


def _unet(builder: _Builder, x: str, size: Sequence[int], architecture: Mapping[str, Any]) -> str:
    skips = []
    for level in range(architecture["depth"]):
        x = builder.block(x, f"down_{level}", level, architecture)
        skips.append((x, size))
        x, size = builder.pool(x), [(side + 1) // 2 for side in size]
    x = builder.block(x, "bottom", architecture["depth"], architecture)
    for level in reversed(range(architecture["depth"])):
        x = builder.upsample(x, f"upsample_{level}/upsample", factor=2)
        skip, size = skips[level]
        # Pooling rounds up an odd size; this removes what that added.
        x = builder.add("Slice", x, builder.integers(0, 0), builder.integers(*size), builder.integers(2, 3))
        x = builder.block(builder.add("Concat", x, skip, axis=1), f"up_{level}", level, architecture)
    return builder.convolution(x, "logits", architecture["num_classes"])


def _fcn(builder: _Builder, x: str, size: Sequence[int], architecture: Mapping[str, Any]) -> str:
    for layer, filters in enumerate(architecture["filters"], 1):
        strided = layer < 3
        x = builder.add("Relu", builder.convolution(x, f"conv_{layer}", filters, stride=2 if strided else 1))
        x = builder.pool(x) if strided else x
    scores = builder.convolution(x, "scores", architecture["num_classes"])
    return builder.upsample(scores, "logits/upsample", factor=16)


def _fully_connected(builder: _Builder, x: str, size: Sequence[int], architecture: Mapping[str, Any]) -> str:
    x = builder.add("Flatten", x)  # of one channel, so that the order of pixels is that of Keras
    x = builder.add("Relu", builder.dense(x, "hidden"))
    x = builder.add("Reshape", builder.dense(x, "scores"), builder.integers(-1, *size, architecture["num_classes"]))
    return builder.add("Transpose", x, perm=[0, 3, 1, 2])


class _Builder:
    """Nodes and constants of a graph that is being built.

    Args:
        arrays: The network's arrays.

    Attributes:
        nodes: The nodes, in the order of their computation.
        constants: The constants.
        unused: Names of the arrays that no node needs so far.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.unused = {*arrays}
        self._arrays = arrays

    def add(self, operation: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        from onnx import helper

        name = name or f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [name], name=name, **attributes))
        return name

    def constant(self, array: np.ndarray) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a constant of integers, and return its name."""
        return self.constant(np.array(values, np.int64))

    def floats(self, array: np.ndarray) -> str:
        """Add a constant of float32, and return its name."""
        return self.constant(array.astype(np.float32))

    def convolution(self, x: str, layer: str, filters: int, *, norm: str | None = None, stride: int = 1) -> str:
        """Add a convolution with "same" padding.

        Args:
            x: The input.
            layer: The layer of the arrays.
            filters: Number of output channels.
            norm: Batch normalization that follows, to be made part of the convolution.
            stride: Its stride.
        """
        kernel = self._array(f"{layer}/kernel")
        if kernel.shape[-1] != filters:
            raise ValueError(f"{layer} has {kernel.shape[-1]} filters, not {filters}")
        bias = self._array(f"{layer}/bias") if f"{layer}/bias" in self._arrays else np.zeros(kernel.shape[-1])
        if norm is not None:
            gamma, beta, mean, variance = (
                self._array(f"{norm}/{name}") for name in ("gamma", "beta", "moving_mean", "moving_variance")
            )
            scale = gamma / np.sqrt(variance + _EPSILON)
            kernel, bias = kernel * scale, (bias - mean) * scale + beta
        arrays = self.floats(kernel.transpose(3, 2, 0, 1)), self.floats(bias)
        return self.add("Conv", x, *arrays, strides=[stride, stride], auto_pad="SAME_UPPER")

    def block(self, x: str, layer: str, level: int, architecture: Mapping[str, Any]) -> str:
        """Add a `UNetBlock` of two convolutions."""
        normalization, before = architecture["normalization"], x
        filters = architecture["filters"] * 2**level
        for i in (1, 2):
            norm = f"{layer}/norm_{i}"
            x = self.convolution(x, f"{layer}/conv_{i}", filters, norm=norm if normalization == "batch" else None)
            if normalization in ("group", "instance", "layer"):
                x = self._group_normalization(x, norm, normalization)
            if architecture["residual"] and i == 2:
                x = self.add("Add", x, self.convolution(before, f"{layer}/shortcut", filters))
            x = self.add("Relu", x)
        return x

    def _group_normalization(self, x: str, layer: str, kind: str) -> str:
        gamma, beta = self._array(f"{layer}/gamma"), self._array(f"{layer}/beta")
        filters = len(gamma)
        groups = {"group": max(n for n in range(1, 9) if filters % n == 0), "instance": filters, "layer": 1}[kind]
        grouped = self.add("Reshape", x, self.integers(0, groups, -1))
        one, zero = self.floats(np.ones(groups)), self.floats(np.zeros(groups))
        normal = self.add("InstanceNormalization", grouped, one, zero, epsilon=_EPSILON)
        back = self.add("Reshape", normal, self.add("Shape", x))
        scaled = self.add("Mul", back, self.floats(gamma[:, None, None]))
        return self.add("Add", scaled, self.floats(beta[:, None, None]))

    def pool(self, x: str) -> str:
        """Add a pooling that halves the size, rounded up."""
        return self.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER")

    def upsample(self, x: str, layer: str, *, factor: int) -> str:
        """Add a transpose convolution that makes one pixel into `factor` x `factor`."""
        kernel = self._array(f"{layer}/kernel")
        excess = kernel.shape[0] - factor
        first = excess // 2
        return self.add(
            "ConvTranspose",
            x,
            self.floats(kernel.transpose(3, 2, 0, 1)),
            self.floats(self._array(f"{layer}/bias")),
            strides=[factor, factor],
            pads=[first, first, excess - first, excess - first],
        )

    def dense(self, x: str, layer: str) -> str:
        """Add a dense layer."""
        return self.add(
            "Gemm", x, self.floats(self._array(f"{layer}/kernel")), self.floats(self._array(f"{layer}/bias"))
        )

    def _array(self, name: str) -> np.ndarray:
        self.unused.discard(name)
        return self._arrays[name].astype(np.float64)
