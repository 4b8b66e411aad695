"""Split as a tf.data.Dataset."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_lvseg.data.augmentation import PARAMETERS
from keras_lvseg.data.augmentation_ops import apply_augmentation
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.errors import invalid_argument


def make_dataset(
    images: np.ndarray,
    labels: np.ndarray,
    sampling: Sampling,
    *,
    batch_size: int | None = None,
    repeat: bool = False,
    drop_remainder: bool = False,
) -> tf.data.Dataset:
    """Build the pipeline. Python runs once per epoch, not once per step.

    Args:
        images: float32 array of shape (images, H, W, 1).
        labels: uint8 array of the same shape.
        sampling: Order and augmentation. Each pass over the data set is one epoch.
        batch_size: Images per batch. None gives single images.
        repeat: Repeat without end.
        drop_remainder: Leave out a smaller last batch.

    Returns:
        Pairs of image and label, or batches of them. Shapes are static except the last batch's size.

    Raises:
        ValueError: `batch_size` is below 1, or the sampling augments under another backend than TensorFlow.

    Example:
        >>> images, labels = np.zeros((5, 8, 6, 1), np.float32), np.zeros((5, 8, 6, 1), np.uint8)
        >>> batches = make_dataset(images, labels, Sampling(5, (8, 6)), batch_size=2).as_numpy_iterator()
        >>> [image.shape for image, label in batches]
        [(2, 8, 6, 1), (2, 8, 6, 1), (1, 8, 6, 1)]
    """
    if batch_size is not None and batch_size < 1:
        raise invalid_argument("batch_size", batch_size, "an integer of 1 or more, or None")
    if sampling.augment is not None and keras.config.backend() != "tensorflow":
        expected = f"None on the {keras.config.backend()} backend, where `as_pydataset` augments"
        raise invalid_argument("augment", sampling.augment, expected)
    epochs = itertools.count()
    with tf.device("CPU"):  # the pipeline runs there, whatever the model's device
        all_images, all_labels = tf.constant(images), tf.constant(labels)

    def draw(_: tf.Tensor) -> tf.data.Dataset:
        order, parameters = tf.numpy_function(lambda: sampling.epoch(next(epochs)), [], (tf.int64, tf.float32))
        order.set_shape((sampling.size,))
        parameters.set_shape((sampling.size, PARAMETERS if sampling.augment else 0))
        return tf.data.Dataset.from_tensor_slices((order, parameters))

    def batch(indices: tf.Tensor, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pair = tf.gather(all_images, indices), tf.gather(all_labels, indices)
        if sampling.augment is None:
            return pair
        return apply_augmentation(*pair, parameters, crop=sampling.augment.crop)

    def single(index: tf.Tensor, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image, label = batch(index[None], parameters[None])
        return image[0], label[0]

    dataset = tf.data.Dataset.range(1).flat_map(draw)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(sampling.size))
    if repeat:
        dataset = dataset.repeat()
    if batch_size is not None:  # batches of indices, so that a batch's images are augmented together
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    dataset = dataset.map(single if batch_size is None else batch, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)
