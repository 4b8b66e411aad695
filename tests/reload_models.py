"""A new process: load every model of a folder with `import keras_lvseg` alone, predict, and train on.

Reads `name.keras` and `name.npz`, with arrays x0, x1, ... and y for a compiled model. Writes `name.outputs.npz`, and
`name.history.json` for a compiled model.
"""

import json
import sys
from pathlib import Path

import numpy as np

import keras_lvseg  # noqa: F401  registers the classes in the files


def main(folder: Path) -> None:
    import keras

    for path in sorted(folder.glob("*.keras")):
        model = keras.models.load_model(path)
        with np.load(path.with_suffix(".npz")) as data:
            arrays = dict(data)
        labels = arrays.pop("y", None)
        inputs = list(arrays.values()) if len(arrays) > 1 else arrays["x0"]
        np.savez(path.with_suffix(".outputs.npz"), **predictions(model, inputs))
        if labels is not None:
            path.with_suffix(".history.json").write_text(json.dumps(trained_on(model, inputs, labels)))


def predictions(model, inputs) -> dict[str, np.ndarray]:
    """Return the outputs as the bits of their floats, because NumPy cannot save bfloat16."""
    import keras

    # JAX would compile every operation on its own in an eager call. TensorFlow's predict would trace the model.
    outputs = model.predict(inputs, verbose=0) if keras.backend.backend() == "jax" else model(inputs, training=False)
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    arrays = {name: keras.ops.convert_to_numpy(x) for name, x in outputs.items()}
    return {name: np.ascontiguousarray(x).view(np.uint8) for name, x in arrays.items()}


def trained_on(model, inputs, labels: np.ndarray) -> dict[str, list[float]]:
    """Return the history of two more epochs."""
    return model.fit(inputs, labels, batch_size=2, epochs=2, shuffle=False, verbose=0).history


if __name__ == "__main__":
    main(Path(sys.argv[1]))
