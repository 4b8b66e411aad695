"""Masks on the frames' own grids, from a network that sees another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from keras_lvseg.data.frames import Frame
from keras_lvseg.data.images import read_image
from keras_lvseg.data.preprocessing import Preprocessing


def predict_masks(
    model: keras.Model, frames: Sequence[Frame], preprocessing: Preprocessing, batch_size: int = 16
) -> Iterator[np.ndarray]:
    """Segment frames.

    Args:
        model: A network that gives logits of shape (batch, H, W, classes).
        frames: The frames.
        preprocessing: What the network was trained with.
        batch_size: Frames a step.

    Yields:
        For each frame an array of class numbers, uint8, of the frame's own rows and columns. What the network did not
        see is background.
    """
    grids = [preprocessing.grid(frame) for frame in frames]
    for start in range(0, len(frames), batch_size):
        batch = slice(start, start + batch_size)
        images = [
            preprocessing.image(read_image(frame), grid)
            for frame, grid in zip(frames[batch], grids[batch], strict=True)
        ]
        logits = model.predict_on_batch(np.stack(images)[..., None])
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        for scores, grid in zip(probabilities, grids[batch], strict=True):
            native = [grid.to_native(scores[..., c], fill=float(c == 0)) for c in range(scores.shape[-1])]
            yield np.argmax(native, axis=0).astype(np.uint8)
