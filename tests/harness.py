"""Checks for every layer, and a helper that runs a script in a new process.

`check_layer` does the checks of Keras' own layers, and more. `test_saved_files.py` loads all files in one new process,
because importing Keras takes seconds.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from functools import partialmethod
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

BACKEND = keras.backend.backend()
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
ROOT = Path(__file__).parents[1]
LACKS_CHANNELS_FIRST = BACKEND == "tensorflow"  # its convolutions on a CPU need channels last


def run_in_new_process(script: Path, *args: str, **environment: str) -> None:
    """Run a script that finds keras_lvseg in this checkout, under this backend."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "KERAS_BACKEND": BACKEND, **environment}
    done = subprocess.run([sys.executable, str(script), *args], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def train_eagerly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train without a graph where TensorFlow's tracing takes most of a training of seconds."""
    if BACKEND == "tensorflow":
        monkeypatch.setattr(keras.Model, "compile", partialmethod(keras.Model.compile, run_eagerly=True))


def arrays_of(shapes: list[tuple[int, ...]], seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def outputs_of(model: keras.Model, image: np.ndarray) -> np.ndarray:
    """Call a model eagerly. Use predict on JAX, which would compile every operation on its own."""
    return model.predict(image, verbose=0) if BACKEND == "jax" else ops.convert_to_numpy(model(image))


def check_layer(
    layer_class: type[keras.layers.Layer],
    kwargs: dict[str, Any],
    *shapes: tuple[int, ...],
    output_shape: tuple[int, ...],
    trainable: int,
    non_trainable: int = 0,
) -> None:
    """Check a layer.

    Args:
        layer_class: The layer.
        kwargs: Arguments of its constructor.
        *shapes: Shape of each input.
        output_shape: Shape of the output.
        trainable: Number of trainable weights.
        non_trainable: Number of other weights.
    """
    inputs = arrays_of(list(shapes))
    names = ["inputs_shape", "skip_shape"][: len(shapes)] if len(shapes) > 1 else None

    def make(**more: Any) -> keras.layers.Layer:
        return layer_class(**kwargs, **more)

    _check_round_trip(make())

    # build() creates all weights and builds the sublayers.
    layer = make()
    layer.build(**dict(zip(names, shapes, strict=True))) if names else layer.build(shapes[0])
    assert len(layer.trainable_weights) == trainable
    assert len(layer.non_trainable_weights) == non_trainable
    assert all(sublayer.built for sublayer in layer._flatten_layers())

    # The computed shape and dtype equal those of the result.
    called = make()
    result = called(*inputs)
    assert [w.path.split("/", 1)[1] for w in called.weights] == [w.path.split("/", 1)[1] for w in layer.weights]
    assert tuple(result.shape) == tuple(called.compute_output_shape(*shapes)) == output_shape
    assert np.isfinite(ops.convert_to_numpy(result)).all()
    symbolic = make()(*[keras.KerasTensor(shape) for shape in shapes])
    assert symbolic.shape == output_shape
    assert symbolic.dtype == keras.backend.standardize_dtype(result.dtype) == "float32"

    model = _model(make(), shapes)
    np.testing.assert_allclose(
        model.predict(inputs, verbose=0), ops.convert_to_numpy(model(inputs, training=False)), atol=1e-5
    )
    model.compile(optimizer="sgd", loss="mse")
    model.fit(inputs, np.zeros(output_shape, "float32"), batch_size=len(inputs[0]), verbose=0)
    assert all(np.isfinite(ops.convert_to_numpy(w)).all() for w in model.weights)

    for policy in POLICIES:
        dtype = policy.removeprefix("mixed_")
        mixed = make(dtype=policy)
        assert mixed(*[keras.KerasTensor(shape) for shape in shapes]).dtype == dtype
        assert {sublayer.dtype_policy.name for sublayer in mixed._flatten_layers()} == {policy}
        assert {weight.dtype for weight in mixed.weights} == {"float32"}
    assert keras.backend.standardize_dtype(mixed(*inputs).dtype) == dtype


def _check_round_trip(layer: keras.layers.Layer) -> None:
    config = layer.get_config()
    assert {*inspect.signature(type(layer)).parameters} - {"kwargs"} <= {*config}
    for revived in (
        type(layer).from_config(config),
        keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))),
    ):
        assert revived.get_config() == config
        assert set(dir(revived)) == set(dir(layer))


def _model(layer: keras.layers.Layer, shapes: tuple[tuple[int, ...], ...]) -> keras.Model:
    """Return a model of one layer, for images of any size."""
    last = layer.data_format == "channels_last"
    inputs = [keras.Input((None, None, shape[-1]) if last else (shape[1], None, None)) for shape in shapes]
    result = layer(*inputs)
    assert result.shape == tuple(layer.compute_output_shape(*[x.shape for x in inputs]))
    assert result.shape.count(None) == 3
    return keras.Model(inputs, result)
