"""Masks on the native grid of frames, predicted on the grid of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import keras
import numpy as np

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.postprocess import decide_classes, keep_best_component
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image

Predict = Callable[[np.ndarray], np.ndarray]
"""From images of shape (B, H, W, 1) to class probabilities of shape (B, H, W, classes), both float32."""

Views = Literal[1, 2, 4]
"""Number of views of an image that are averaged."""

# Axes of (B, H, W, C) that a view is mirrored along.
_FLIPS: dict[int, tuple[tuple[int, ...], ...]] = {1: ((),), 2: ((), (1, 2)), 4: ((), (1,), (2,), (1, 2))}


def predict_masks(
    model: keras.Model,
    frames: Sequence[Frame],
    *,
    preprocessing: Preprocessing,
    batch_size: int = 16,
    flip_tta: bool = False,
    postprocess: bool = False,
) -> Iterator[np.ndarray]:
    """Segment frames, on the native grid of each.

    Args:
        model: Network with logits of shape (B, H, W, classes).
        frames: The frames.
        preprocessing: Grid and intensities that the network was trained with.
        batch_size: Frames per step.
        flip_tta: Test-time augmentation: average the probabilities of the image and of its three flips (left and
            right, up and down, both).
        postprocess: Keep one connected component and fill its holes, see `keep_best_component`.

    Yields:
        Class numbers per frame, uint8 array of the frame's shape. Pixels outside the network's grid are background.

    Raises:
        DataError: A frame cannot be read.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import SAXDataset, unet
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> frames = SAXDataset(folder).frames[:2]
        >>> masks = predict_masks(unet(filters=2, depth=1), frames, preprocessing=Preprocessing((96, 96)))
        >>> [mask.shape for mask in masks]
        [(256, 256), (256, 256)]
    """
    predict = keras_predict(model)
    for start in range(0, len(frames), batch_size):
        batch = frames[start : start + batch_size]
        images, grids = [read_image(frame) for frame in batch], [preprocessing.grid(frame) for frame in batch]
        prepared = [preprocessing.image(image, grid) for image, grid in zip(images, grids, strict=True)]
        probabilities = average_views(predict, np.stack(prepared)[..., None], views=4 if flip_tta else 1)
        yield from native_masks([own[..., 1:] for own in probabilities], grids, postprocess=postprocess)


def predict_probabilities(model: keras.Model, images: np.ndarray, *, flip_tta: bool = False) -> np.ndarray:
    """Return class probabilities on the network's grid.

    Args:
        model: Network with logits of shape (B, H, W, classes).
        images: float32 array of shape (B, H, W, channels).
        flip_tta: See `predict_masks`.

    Returns:
        float32 array of shape (B, H, W, classes).

    Example:
        >>> from keras_lvseg import unet
        >>> predict_probabilities(unet(filters=2, depth=1), np.zeros((1, 8, 8, 1), "float32")).shape
        (1, 8, 8, 2)
    """
    return average_views(keras_predict(model), images, views=4 if flip_tta else 1)


def keras_predict(model: keras.Model) -> Predict:
    """Return a function that predicts probabilities with a Keras model, whose outputs are logits."""

    def predict(images: np.ndarray) -> np.ndarray:
        # Every size of a batch is compiled once, so the last batches of many studies get few different sizes.
        size = 1 << (len(images) - 1).bit_length()
        padded = np.concatenate([images, np.repeat(images[:1], size - len(images), axis=0)])
        logits = keras.ops.cast(model.predict_on_batch(padded), "float32")
        return keras.ops.convert_to_numpy(keras.ops.softmax(logits))[: len(images)]

    return predict


def average_views(predict: Predict, images: np.ndarray, *, views: Views) -> np.ndarray:
    """Return the mean probabilities of views of the images.

    Args:
        predict: The network.
        images: float32 array of shape (B, H, W, channels).
        views: 1 is the image. 2 adds the image turned by 180 degrees. 4 adds its mirror images, left and right, up and
            down.

    Returns:
        float32 array of shape (B, H, W, classes).
    """
    flips = _FLIPS[views]
    stacked = np.concatenate([np.flip(images, axes) for axes in flips])
    probabilities = np.split(predict(stacked), len(flips))
    return np.mean([np.flip(own, axes) for own, axes in zip(probabilities, flips, strict=True)], axis=0)


def native_masks(
    foregrounds: Sequence[np.ndarray], grids: Sequence[NetworkGrid], *, postprocess: bool
) -> list[np.ndarray]:
    """Return class numbers on the native grid of frames.

    Args:
        foregrounds: See `native_probabilities`, per frame.
        grids: The network's grid per frame.
        postprocess: See `predict_masks`.
    """
    decide = keep_best_component if postprocess else decide_classes
    return [decide(native_probabilities(own, grid)) for own, grid in zip(foregrounds, grids, strict=True)]


def native_probabilities(foreground: np.ndarray, grid: NetworkGrid) -> np.ndarray:
    """Return class probabilities on a frame's native grid.

    Args:
        foreground: Probabilities of the classes above 0 on the network's grid, float32 of shape (H, W, classes - 1).
        grid: The network's grid in the frame.

    Returns:
        Array of shape (classes, rows, columns). Outside the network's grid, the background has probability 1.
    """
    others = [grid.to_native(foreground[..., c]) for c in range(foreground.shape[-1])]
    return np.stack([1 - sum(others), *others])
