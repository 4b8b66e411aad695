"""Reference of the losses in NumPy and float64, pixel by pixel and image by image."""

import keras
import numpy as np
from keras import ops


def log_softmax(logits):
    logits = np.asarray(logits, "float64")
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def cross_entropy(labels, logits, class_weights=None, label_smoothing=0.0, ignore_class=None, weights=None):
    """Return the sum of weighted losses divided by the sum of weights."""
    classes = logits.shape[-1]
    class_weights = np.ones(classes) if class_weights is None else class_weights
    weights = np.ones(labels.size) if weights is None else weights.reshape(-1)
    total = divisor = 0.0
    pixels = zip(labels.reshape(-1), log_softmax(logits).reshape(-1, classes), weights, strict=True)
    for label, log_probability, weight in pixels:
        if label != ignore_class:
            target = (1 - label_smoothing) * np.eye(classes)[label] + label_smoothing / classes
            total -= weight * (target * class_weights * log_probability).sum()
            divisor += weight * class_weights[label]
    return total / divisor


def soft_dice(labels, logits, classes, ignore_class=None, weights=None):
    """Return the loss of each image, NaN if it is left out."""
    weights = np.ones(labels.shape) if weights is None else weights
    losses = []
    for label, log_probability, weight in zip(labels, log_softmax(logits), weights, strict=True):
        weight = weight * (label != ignore_class)
        of_classes = []
        for c in classes:
            p, t = np.exp(log_probability[..., c]), label == c
            if (weight * t).sum() > 0:
                of_classes.append(1 - 2 * (weight * p * t).sum() / (weight * (p + t)).sum())
            else:
                of_classes.append((weight * p).sum() / weight.sum() if weight.sum() else np.nan)
        losses.append(np.mean(of_classes))
    return np.array(losses)


def value_and_gradient(loss, labels, logits, sample_weight=None):
    """Return the loss and its gradient with respect to the logits, as NumPy."""
    logits = ops.convert_to_tensor(logits, dtype="float32")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits, sample_weight)
        gradient = tape.gradient(value, logits)
    elif keras.backend.backend() == "jax":
        import jax

        value, gradient = jax.jit(jax.value_and_grad(lambda x: loss(labels, x, sample_weight)))(logits)
    else:
        logits.requires_grad_(True)
        value = loss(labels, logits, sample_weight)
        value.backward()
        value, gradient = value.detach(), logits.grad
    return float(value), ops.convert_to_numpy(gradient)
