"""Masks on the frames' own grids, from a network that sees another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.postprocess import keep_best_component
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image

_VIEWS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))  # axes of (B, H, W, C) along which images are mirrored


def predict_masks(
    model: keras.Model,
    frames: Sequence[Frame],
    preprocessing: Preprocessing,
    batch_size: int = 16,
    mirror: bool = False,
    clean: bool = False,
) -> Iterator[np.ndarray]:
    """Segment frames.

    Args:
        model: A network that gives logits of shape (batch, H, W, classes).
        frames: The frames.
        preprocessing: What the network was trained with.
        batch_size: Frames a step.
        mirror: Take the mean of what the network says of the image and of its three mirror images: left and right
            exchanged, up and down, and both.
        clean: Keep one connected part, without holes, see `keep_best_component`.

    Yields:
        For each frame an array of class numbers, uint8, of the frame's own rows and columns. What the network did not
        see is background.
    """
    for start in range(0, len(frames), batch_size):
        batch = frames[start : start + batch_size]
        grids = [preprocessing.grid(frame) for frame in batch]
        yield from predict_labels(model, [read_image(frame) for frame in batch], grids, preprocessing, mirror, clean)


def predict_labels(
    model: keras.Model,
    images: Sequence[np.ndarray],
    grids: Sequence[NetworkGrid],
    preprocessing: Preprocessing,
    mirror: bool,
    clean: bool,
) -> list[np.ndarray]:
    """Segment images in one step.

    Args:
        model: See `predict_masks`.
        images: Arrays of shape (rows, columns), as stored; one or more.
        grids: The network's grid in each.
        preprocessing: See `predict_masks`.
        mirror: See there.
        clean: See there.

    Returns:
        As `predict_masks` yields them.
    """
    prepared = [preprocessing.image(image, grid) for image, grid in zip(images, grids, strict=True)]
    probabilities = predict_probabilities(model, np.stack(prepared)[..., None], mirror)
    return [native_labels(scores, grid, clean) for scores, grid in zip(probabilities, grids, strict=True)]


def predict_probabilities(model: keras.Model, images: np.ndarray, mirror: bool = False) -> np.ndarray:
    """What a network says of images on its own grid.

    Args:
        model: A network that gives logits of shape (B, H, W, classes).
        images: float32 array of shape (B, H, W, channels).
        mirror: See `predict_masks`.

    Returns:
        float32 array of shape (B, H, W, classes).
    """
    views = _VIEWS if mirror else _VIEWS[:1]
    stacked = np.concatenate([np.flip(images, axes) for axes in views])
    logits = keras.ops.cast(model.predict_on_batch(stacked), "float32")
    probabilities = np.split(keras.ops.convert_to_numpy(keras.ops.softmax(logits)), len(views))
    return np.mean([np.flip(found, axes) for found, axes in zip(probabilities, views, strict=True)], axis=0)


def native_labels(probabilities: np.ndarray, grid: NetworkGrid, clean: bool = False) -> np.ndarray:
    """What a network says of an image, as class numbers on the frame's own grid.

    Args:
        probabilities: Array of shape (H, W, classes), one image's of `predict_probabilities`.
        grid: The network's grid in the frame.
        clean: See `predict_masks`.

    Returns:
        uint8 array of the frame's shape. What the network did not see is background.
    """
    others = [grid.to_native(probabilities[..., c]) for c in range(1, probabilities.shape[-1])]
    native = np.stack([1 - sum(others), *others])  # the background is what is left, and all of what was not seen
    return keep_best_component(native) if clean else np.argmax(native, axis=0).astype(np.uint8)
