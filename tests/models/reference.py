"""Reference of the U-Net in NumPy and float64, from the paths of its weights, without Keras."""

from collections.abc import Mapping

import numpy as np

EPSILON = 1e-3  # added to the variance by Keras' batch normalization


def unet_logits(weights: Mapping[str, np.ndarray], image: np.ndarray, depth: int) -> np.ndarray:
    """Return the logits (H, W, classes) of an image (H, W, channels) from a U-Net with batch normalization."""
    weights = {path: array.astype(np.float64) for path, array in weights.items()}
    x, skips = image.astype(np.float64), []
    for level in range(depth):
        skips.append(block(weights, f"down_{level}", x))
        x = pool(skips[-1])
    x = block(weights, "bottom", x)
    for level in reversed(range(depth)):
        kernel, bias = (weights[f"upsample_{level}/upsample/{part}"] for part in ("kernel", "bias"))
        height, width, _ = skips[level].shape
        finer = np.einsum("ijc,aboc->iajbo", x, kernel)  # each pixel becomes 2 x 2 without overlap
        finer = finer.reshape(2 * x.shape[0], 2 * x.shape[1], -1)[:height, :width] + bias
        x = block(weights, f"up_{level}", np.concatenate([finer, skips[level]], axis=-1))
    return x @ weights["logits/kernel"][0, 0] + weights["logits/bias"]


def block(weights: Mapping[str, np.ndarray], name: str, x: np.ndarray) -> np.ndarray:
    for i in (1, 2):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
        x = np.tensordot(windows, weights[f"{name}/conv_{i}/kernel"], axes=([3, 4, 2], [0, 1, 2]))
        gamma, beta, mean, variance = (
            weights[f"{name}/norm_{i}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        x = np.maximum((x - mean) / np.sqrt(variance + EPSILON) * gamma + beta, 0)
    return x


def pool(x: np.ndarray) -> np.ndarray:
    height, width, channels = x.shape
    even = np.pad(x, ((0, height % 2), (0, width % 2), (0, 0)), constant_values=-np.inf)
    return even.reshape(-(-height // 2), 2, -(-width // 2), 2, channels).max(axis=(1, 3))
