"""Augmentation of batches on `keras.ops`, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import ndtri

from keras_lvseg.data.augmentation import (
    ALL_PARAMETERS,
    BRIGHTNESS,
    CAVITY,
    CONTRAST,
    CURVE,
    CURVE_POINTS,
    DETAIL,
    DETAIL_SCALE,
    ELASTIC,
    ELASTIC_POINTS,
    FIELD,
    GAMMA,
    MATRIX,
    NOISE,
    NOISE_KEY,
    SHADING,
    SHADING_POINTS,
    spline_weights,
)

# Hash of 32-bit integers: Chris Wellons' "lowbias32", as (shift, multiplier), without its last xor, which does not
# change the 16 high bits. Multipliers are the signed integers of the same bits, because PyTorch has no uint32.
_HASH = ((16, 0x7FEB352D), (15, 0x846CA68B - 2**32))
_KEY_STEP = 0x9E3779B9 - 2**32  # 2**32 divided by the golden ratio
# The middle of each of 2**16 equal parts of the normal distribution. The same noise by `ops.erfinv` makes
# `_apply_intensity` take 1.5 times as long on TensorFlow (0.31 and 0.20 ms of CPU time per image of 256 x 256).
_NORMAL_QUANTILES = ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)


def apply_augmentation(
    images: keras.KerasTensor, labels: keras.KerasTensor, parameters: keras.KerasTensor, *, crop: int | None = None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Augment a batch of images and labels.

    The order is gamma, curve, detail, field of view, resampling, shading, contrast and brightness, noise. XLA compiles
    the steps on TensorFlow and JAX, anew for each shape. PyTorch runs them eagerly, without gradients.

    Args:
        images: float32 tensor or array of shape (B, H, W, 1). Read bilinearly, with its border repeated outside.
        labels: Integer tensor or array of the same shape. Read from the nearest pixel. Halfway between two pixels it
            is the one with the larger index, as in `scipy.ndimage.map_coordinates`. Source points are float32, so a
            point within 1e-4 pixels of halfway may round to either.
        parameters: Rows of `Augmentation.draw`, float32 of shape (B, 125) or (B, 140).
        crop: Side length of the central crop of the augmented images. None keeps the whole images.

    Returns:
        Images and labels, tensors of shape (B, H, W, 1) or (B, crop, crop, 1) and of the same dtypes.

    Example:
        >>> import numpy as np
        >>> from keras_lvseg.data import Augmentation
        >>> augment = Augmentation(rotation=180, elastic=0.2)
        >>> parameters = augment.draw(seed=0, epoch=0, count=2, image_size=(4, 4))
        >>> images, labels = np.ones((2, 4, 4, 1), np.float32), np.ones((2, 4, 4, 1), np.uint8)
        >>> images, labels = apply_augmentation(images, labels, parameters)
        >>> float(ops.min(images)), int(ops.min(labels))
        (1.0, 1)
    """
    # Three compiled functions: in a single one, XLA would compute the power of a pixel for each of the four neighbours
    # that read it.
    images, labels, parameters = map(ops.convert_to_tensor, (images, labels, parameters))
    grid = {"image_size": tuple(images.shape[1:3]), "crop": crop}
    toned, minimum = _compiled(_apply_gamma)(images[..., 0], parameters)
    labels = labels[..., 0]
    if parameters.shape[1] == ALL_PARAMETERS:
        toned, minimum, labels = _compiled(_apply_appearance)(toned, labels, parameters)
    moved, moved_labels = _compiled(_resample, **grid)(toned, labels, parameters)
    augmented = _compiled(_apply_intensity, **grid)(moved, minimum, parameters)
    return augmented[..., None], moved_labels[..., None]


def source_points(
    parameters: keras.KerasTensor, *, image_size: tuple[int, int], crop: int | None = None
) -> keras.KerasTensor:
    """Return the point of the source image that each pixel of the augmented image is read from.

    Args:
        parameters: Rows of `Augmentation.draw`, float32 tensor or array of shape (B, 125).
        image_size: Rows and columns of the images.
        crop: See `apply_augmentation`.

    Returns:
        float32 tensor of shape (B, 2, H, W): rows, then columns. Points may be outside the image.

    Example:
        >>> from keras_lvseg.data import Augmentation
        >>> parameters = Augmentation().draw(seed=0, epoch=0, count=1, image_size=(2, 3))
        >>> ops.convert_to_numpy(source_points(parameters, image_size=(2, 3)))[0, 1]
        array([[0., 1., 2.],
               [0., 1., 2.]], dtype=float32)
    """
    parameters = ops.convert_to_tensor(parameters)
    rows, columns = _window(image_size, crop)
    dx, dy = ops.unstack(_spline_fields(parameters[:, ELASTIC], ELASTIC_POINTS, image_size, crop), 2, axis=1)
    y = dy + ops.arange(rows.start, rows.stop, dtype="float32")[:, None]
    x = dx + ops.arange(columns.start, columns.stop, dtype="float32")
    a, b, c, d, e, f = (column[:, None, None] for column in ops.unstack(parameters[:, MATRIX], 6, axis=1))
    return ops.stack([d * x + e * y + f, a * x + b * y + c], axis=1)


@cache
def _compiled(function: Callable, **static: Any) -> Callable:
    """Return the function with its static arguments, as fast as the backend can run it."""
    function = partial(function, **static)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True, autograph=False)
    if keras.config.backend() == "jax":
        import jax

        return jax.jit(function)
    import torch

    return torch.no_grad()(function)


def _apply_gamma(images: keras.KerasTensor, parameters: keras.KerasTensor) -> tuple:
    """Return the images after gamma, and the minimum of each."""
    gamma = parameters[:, GAMMA, None, None]
    minimum = ops.min(images, axis=(1, 2), keepdims=True)
    span = ops.max(images, axis=(1, 2), keepdims=True) - minimum
    toned = minimum + span * ((images - minimum) / span) ** gamma
    return ops.where(ops.logical_or(gamma == 1, span == 0), images, toned), minimum


def _apply_appearance(images: keras.KerasTensor, labels: keras.KerasTensor, parameters: keras.KerasTensor) -> tuple:
    """Return images after curve, detail and field of view, the minimum of each, and the labels in the field."""
    changed = _apply_detail(_apply_curve(images, parameters), parameters)
    visible = _inside_field(parameters, images.shape[1:3])
    changed = ops.where(visible, changed, ops.min(changed, axis=(1, 2), keepdims=True))
    mean, deviation = _moments(images)
    own_mean, own_deviation = _moments(changed)
    # An image that no range changed stays the same to the bit.
    same = ops.all(changed == images, axis=(1, 2), keepdims=True)
    matched = mean + (changed - own_mean) * deviation / ops.maximum(own_deviation, 1e-6)
    matched = ops.where(same, images, matched)
    return matched, ops.min(matched, axis=(1, 2), keepdims=True), ops.where(visible, labels, ops.zeros_like(labels))


def _apply_curve(images: keras.KerasTensor, parameters: keras.KerasTensor) -> keras.KerasTensor:
    """Return the images with their intensities replaced by the values of a piecewise linear curve."""
    minimum = ops.min(images, axis=(1, 2), keepdims=True)
    span = ops.max(images, axis=(1, 2), keepdims=True) - minimum
    place = (images - minimum) / ops.where(span == 0, 1.0, span) * (CURVE_POINTS - 1)
    values = ops.unstack(parameters[:, CURVE, None, None], CURVE_POINTS, axis=1)
    identity = np.linspace(0, 1, CURVE_POINTS, dtype=np.float32)
    # The difference to the straight line, which is zero for a curve that changes nothing.
    bend = sum(
        (value - line) * ops.maximum(1 - ops.abs(place - point), 0.0)
        for point, (value, line) in enumerate(zip(values, identity, strict=True))
    )
    return images + span * bend


def _apply_detail(images: keras.KerasTensor, parameters: keras.KerasTensor) -> keras.KerasTensor:
    """Return the images with the difference to a Gaussian blur of them multiplied."""
    factor, scale = (parameters[:, column, None, None] for column in (DETAIL, DETAIL_SCALE))
    blurred = images
    for axis, size in enumerate(images.shape[1:3]):
        places = ops.arange(size, dtype="float32")
        weights = ops.exp(-0.5 * ((places[:, None] - places) / scale) ** 2)
        weights = weights / ops.sum(weights, axis=2, keepdims=True)
        blurred = ops.matmul(weights, blurred) if axis == 0 else ops.einsum("bij,bkj->bik", blurred, weights)
    return images + (factor - 1) * (images - blurred)


def _inside_field(parameters: keras.KerasTensor, image_size: tuple[int, int]) -> keras.KerasTensor:
    """Return which pixels are in the field of view, of shape (B, H, W)."""
    top, bottom, left, right = ops.unstack(parameters[:, FIELD, None, None], 4, axis=1)
    rows, columns = (ops.arange(size, dtype="float32") for size in image_size)
    in_rows = ops.logical_and(rows[:, None] >= top, rows[:, None] <= bottom)
    return ops.logical_and(in_rows, ops.logical_and(columns >= left, columns <= right))


def _moments(images: keras.KerasTensor) -> tuple:
    """Return the mean and the standard deviation of each image, of shape (B, 1, 1)."""
    mean = ops.mean(images, axis=(1, 2), keepdims=True)
    return mean, ops.sqrt(ops.mean((images - mean) ** 2, axis=(1, 2), keepdims=True))


def _resize_cavity(
    rows: keras.KerasTensor, columns: keras.KerasTensor, labels: keras.KerasTensor, parameters: keras.KerasTensor
) -> tuple:
    """Return the source points after a radial map about each cavity's centre.

    A point at distance r goes to r * (1 + m * (1 - (r / R)**2)**2) for r below R. This is monotone for m from -1 to
    1.25. R is 2.2 radii of the cavity and 4 pixels, which is beyond its wall.
    """
    cavity = ops.cast(labels == 1, "float32")
    area = ops.sum(cavity, axis=(1, 2), keepdims=True)
    y, x = (ops.arange(size, dtype="float32") for size in labels.shape[1:3])
    divisor = ops.maximum(area, 1.0)
    dy, dx = (
        points - ops.sum(cavity * place, axis=(1, 2), keepdims=True) / divisor
        for points, place in ((rows, y[:, None]), (columns, x))
    )
    reach = 2.2 * ops.sqrt(area / np.pi) + 4
    inside = ops.maximum(1 - (dy**2 + dx**2) / reach**2, 0.0)
    growth = ops.where(area > 0, parameters[:, CAVITY, None, None], 0.0) * inside**2
    return rows + growth * dy, columns + growth * dx


def _resample(
    images: keras.KerasTensor,
    labels: keras.KerasTensor,
    parameters: keras.KerasTensor,
    *,
    image_size: tuple[int, int],
    crop: int | None,
) -> tuple:
    """Return images and labels read at their source points."""
    height, width = image_size
    points = source_points(parameters, image_size=image_size, crop=crop)
    rows, columns = ops.unstack(points, 2, axis=1)
    if parameters.shape[1] == ALL_PARAMETERS:
        rows, columns = _resize_cavity(rows, columns, labels, parameters)
    y, x = ops.clip(rows, 0, height - 1), ops.clip(columns, 0, width - 1)

    starts = (ops.arange(ops.shape(images)[0], dtype="int32") * (height * width))[:, None, None]
    nearest = starts + ops.cast(y + 0.5, "int32") * width + ops.cast(x + 0.5, "int32")
    left, top = ops.cast(x, "int32"), ops.cast(y, "int32")
    right, down = ops.where(left < width - 1, 1, 0), ops.where(top < height - 1, width, 0)
    corner = starts + top * width + left
    flat = ops.reshape(images, (-1,))

    def along_row(first: keras.KerasTensor) -> keras.KerasTensor:
        one, other = ops.take(flat, first), ops.take(flat, first + right)
        return one + (other - one) * (x - ops.cast(left, "float32"))

    above, below = along_row(corner), along_row(corner + down)
    moved = above + (below - above) * (y - ops.cast(top, "float32"))
    return moved, ops.take(ops.reshape(labels, (-1,)), nearest)


def _apply_intensity(
    images: keras.KerasTensor,
    minimum: keras.KerasTensor,
    parameters: keras.KerasTensor,
    *,
    image_size: tuple[int, int],
    crop: int | None,
) -> keras.KerasTensor:
    """Return the images after shading, contrast, brightness and noise."""
    shading = _spline_fields(parameters[:, SHADING], SHADING_POINTS, image_size, crop)[:, 0]
    contrast, brightness, noise = (parameters[:, column, None, None] for column in (CONTRAST, BRIGHTNESS, NOISE))
    shaded = images + (images - minimum) * ops.expm1(shading)
    return shaded * contrast + brightness + noise * _normal_noise(parameters[:, NOISE_KEY], image_size, crop)


def _window(image_size: tuple[int, int], crop: int | None) -> tuple[slice, slice]:
    """Return the rows and the columns of the central crop."""
    starts = [0 if crop is None else (size - crop) // 2 for size in image_size]
    rows, columns = (slice(start, start + (crop or size)) for start, size in zip(starts, image_size, strict=True))
    return rows, columns


def _spline_fields(
    values: keras.KerasTensor, points: int, image_size: tuple[int, int], crop: int | None
) -> keras.KerasTensor:
    """Return smooth fields of shape (B, fields, H, W) for control values of shape (B, fields * points**2)."""
    rows, columns = (
        spline_weights(size, points)[part] for size, part in zip(image_size, _window(image_size, crop), strict=True)
    )
    control_values = ops.reshape(values, (-1, values.shape[1] // points**2, points, points))
    return ops.matmul(ops.matmul(rows, control_values), columns.T)


def _normal_noise(keys: keras.KerasTensor, image_size: tuple[int, int], crop: int | None) -> keras.KerasTensor:
    """Return standard normal noise that depends on the image's key and the pixel's index in the image only."""
    rows, columns = _window(image_size, crop)
    pixel_rows = ops.arange(rows.start, rows.stop, dtype="int32")[:, None] * image_size[1]
    bits = pixel_rows + ops.arange(columns.start, columns.stop, dtype="int32")
    bits = bits + ops.cast(keys, "int32")[:, None, None] * _KEY_STEP
    for shift, multiplier in _HASH:
        bits = ops.bitwise_xor(bits, _logical_right_shift(bits, shift)) * multiplier
    return ops.take(_NORMAL_QUANTILES, _logical_right_shift(bits, 16))


def _logical_right_shift(bits: keras.KerasTensor, shift: int) -> keras.KerasTensor:
    # The shift of a signed integer copies its sign.
    return ops.bitwise_and(ops.right_shift(bits, shift), 2 ** (32 - shift) - 1)
