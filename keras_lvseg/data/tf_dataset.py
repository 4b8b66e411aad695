"""A split as a tf.data.Dataset. The one file of the package that imports TensorFlow."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from keras_lvseg.data import columns
from keras_lvseg.data.fields import HASH_MULTIPLIERS, HASH_SHIFTS, KEY_STEP, normal_quantiles, spline_weights
from keras_lvseg.data.sampling import Sampling

Pair = tuple[tf.Tensor, tf.Tensor]


def make_dataset(
    images: np.ndarray,
    labels: np.ndarray,
    sampling: Sampling,
    *,
    batch_size: int | None = None,
    repeat: bool = False,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Build the pipeline; Python runs once an epoch, never once a step.

    Args:
        images: float32 array of shape (images, H, W, 1).
        labels: uint8 array of the same shape.
        sampling: Order and changes. Each pass over the data set is an epoch of it.
        batch_size: None gives single images.
        repeat: Start over without end.
        drop_remainder: Leave out a last batch that is smaller.

    Returns:
        Pairs of image and label, or batches of them, with static shapes but for the last batch's size.

    Example:
        >>> images, labels = np.zeros((5, 8, 6, 1), np.float32), np.zeros((5, 8, 6, 1), np.uint8)
        >>> batches = make_dataset(images, labels, Sampling(5, (8, 6)), batch_size=2).as_numpy_iterator()
        >>> [image.shape for image, label in batches]
        [(2, 8, 6, 1), (2, 8, 6, 1), (1, 8, 6, 1)]
    """
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size has to be 1 or more, or None. Received: batch_size={batch_size}")
    epochs = itertools.count()
    augmented = sampling.augment is not None
    with tf.device("CPU"):  # where the pipeline runs, whatever the model runs on
        all_images, all_labels = tf.constant(images), tf.constant(labels)

    def draw(_: tf.Tensor) -> tf.data.Dataset:
        order, changes = tf.numpy_function(lambda: sampling.epoch(next(epochs)), [], (tf.int64, tf.float32))
        order.set_shape((sampling.size,))
        changes.set_shape((sampling.size, columns.COLUMNS if augmented else 0))
        return tf.data.Dataset.from_tensor_slices((order, changes))

    def batch(indices: tf.Tensor, changes: tf.Tensor) -> Pair:
        pair = tf.gather(all_images, indices), tf.gather(all_labels, indices)
        if not augmented:
            return pair
        changed = apply_changes(*pair, changes)
        return changed[0][:, *sampling.window], changed[1][:, *sampling.window]

    def single(index: tf.Tensor, change: tf.Tensor) -> Pair:
        image, label = batch(index[None], change[None])
        return image[0], label[0]

    dataset = tf.data.Dataset.range(1).flat_map(draw)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(sampling.size))
    if repeat:
        dataset = dataset.repeat()
    if batch_size is not None:  # of indices: the images of a batch are read and changed together
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    dataset = dataset.map(single if batch_size is None else batch, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def apply_changes(images: tf.Tensor, labels: tf.Tensor, changes: tf.Tensor) -> Pair:
    """Do to a batch what `changes.apply_change` does to an image, in the same order.

    Args:
        images: float32 tensor of shape (B, H, W, 1).
        labels: Integer tensor of the same shape.
        changes: Rows of `Augmentation.draw`, float32 of shape (B, 125).

    Returns:
        Both, changed, in the same shapes and types.

    Example:
        >>> from keras_lvseg.data import Augmentation
        >>> changes = Augmentation(rotation=180, elastic=0.2).draw(seed=0, epoch=0, count=2, image_size=(4, 4))
        >>> images, labels = apply_changes(tf.ones((2, 4, 4, 1)), tf.ones((2, 4, 4, 1), tf.uint8), changes)
        >>> float(tf.reduce_min(images)), int(tf.reduce_min(labels))
        (1.0, 1)
    """
    toned, low = _toned(images[..., 0], changes)
    moved, moved_labels = _moved(toned, labels[..., 0], changes)
    return _exposed(moved, low, changes)[..., None], moved_labels[..., None]


# Three functions, compiled one by one: as one, XLA would raise a pixel to its power for each of the four that read it.


@tf.function(jit_compile=True, autograph=False)
def _toned(images: tf.Tensor, changes: tf.Tensor) -> Pair:
    gamma = changes[:, columns.GAMMA, None, None]
    low = tf.reduce_min(images, axis=(1, 2), keepdims=True)
    span = tf.reduce_max(images, axis=(1, 2), keepdims=True) - low
    toned = low + span * ((images - low) / span) ** gamma
    return tf.where((gamma == 1) | (span == 0), images, toned), low


@tf.function(jit_compile=True, autograph=False)
def _moved(images: tf.Tensor, labels: tf.Tensor, changes: tf.Tensor) -> Pair:
    height, width = size = images.shape[1:]
    dx, dy = tf.unstack(_smooth_fields(changes[:, columns.ELASTIC], (2, columns.ELASTIC_POINTS), size), axis=1)
    u, v = tf.range(width, dtype=tf.float32) + dx, tf.range(height, dtype=tf.float32)[:, None] + dy
    a, b, c, d, e, f = (number[:, None, None] for number in tf.unstack(changes[:, columns.MATRIX], axis=1))
    x = tf.clip_by_value(a * u + b * v + c, 0.0, width - 1.0)
    y = tf.clip_by_value(d * u + e * v + f, 0.0, height - 1.0)

    starts = (tf.range(tf.shape(images)[0]) * height * width)[:, None, None]
    nearest = starts + tf.cast(y + 0.5, tf.int32) * width + tf.cast(x + 0.5, tf.int32)
    left, top = tf.cast(x, tf.int32), tf.cast(y, tf.int32)
    right, down = tf.where(left < width - 1, 1, 0), tf.where(top < height - 1, width, 0)
    corner = starts + top * width + left
    flat = tf.reshape(images, [-1])

    def along_row(first: tf.Tensor) -> tf.Tensor:
        one, other = tf.gather(flat, first), tf.gather(flat, first + right)
        return one + (other - one) * (x - tf.cast(left, tf.float32))

    above, below = along_row(corner), along_row(corner + down)
    moved = above + (below - above) * (y - tf.cast(top, tf.float32))
    return moved, tf.gather(tf.reshape(labels, [-1]), nearest)


@tf.function(jit_compile=True, autograph=False)
def _exposed(images: tf.Tensor, low: tf.Tensor, changes: tf.Tensor) -> tf.Tensor:
    size = images.shape[1:]
    shading = _smooth_fields(changes[:, columns.SHADING], (1, columns.SHADING_POINTS), size)[:, 0]
    contrast, brightness, noise = (
        changes[:, column, None, None] for column in (columns.CONTRAST, columns.BRIGHTNESS, columns.NOISE)
    )
    shaded = images + (images - low) * tf.math.expm1(shading)
    return shaded * contrast + brightness + noise * _normal_noise(changes[:, columns.NOISE_KEY], size)


def _smooth_fields(values: tf.Tensor, shape: tuple[int, int], size: tuple[int, int]) -> tf.Tensor:
    """As `fields.smooth_field`: rows of `fields` x points x points values to (B, fields, H, W)."""
    fields, points = shape
    rows, cols = (spline_weights(length, points) for length in size)
    return rows @ tf.reshape(values, (-1, fields, points, points)) @ cols.T


def _normal_noise(keys: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """As `fields.normal_noise`, for a batch of keys, to the bit."""
    counter = np.arange(size[0] * size[1], dtype=np.uint32).reshape(size)
    bits = counter + tf.cast(keys, tf.uint32)[:, None, None] * np.uint32(KEY_STEP)
    for shift, multiplier in zip(HASH_SHIFTS, (*HASH_MULTIPLIERS, 1), strict=True):
        bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, np.uint32(shift))) * np.uint32(multiplier)
    quantiles = tf.constant(normal_quantiles())
    return tf.gather(quantiles, tf.cast(tf.bitwise.right_shift(bits, np.uint32(16)), tf.int32))
