"""A split as a tf.data.Dataset. The one file of the package that imports TensorFlow."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf

from keras_lvseg.data.augmentation import COLUMNS
from keras_lvseg.data.sampling import Sampling


def make_dataset(
    images: np.ndarray,
    labels: np.ndarray,
    sampling: Sampling,
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
    """
    epochs = itertools.count()
    augmented = sampling.augment is not None
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    def draw(_: tf.Tensor) -> tf.data.Dataset:
        order, changes = tf.numpy_function(lambda: sampling.epoch(next(epochs)), [], (tf.int64, tf.float32))
        order.set_shape((sampling.size,))
        changes.set_shape((sampling.size, COLUMNS if augmented else 0))
        return tf.data.Dataset.from_tensor_slices((order, changes))

    def pair(index: tf.Tensor, change: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, label = all_images[index], all_labels[index]
        if not augmented:
            return image, label
        moved = _moved(image, change, "BILINEAR") * change[6] + change[7]
        return moved, _moved(label, change, "NEAREST")

    dataset = tf.data.Dataset.range(1).flat_map(draw)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(sampling.size))
    dataset = dataset.map(pair, num_parallel_calls=tf.data.AUTOTUNE)
    if repeat:
        dataset = dataset.repeat()
    if batch_size is not None:
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _moved(image: tf.Tensor, change: tf.Tensor, interpolation: str) -> tf.Tensor:
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=tf.concat([change[:6], [0.0, 0.0]], axis=0)[None],
        output_shape=image.shape[:2],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="NEAREST",
    )[0]
    moved.set_shape(image.shape)
    return moved
