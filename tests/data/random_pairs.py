"""Random images with labels, and every kind of augmentation at once."""

import numpy as np

EVERY_RANGE = {
    "rotation": 180,
    "scale": 0.3,
    "shift": 8,
    "flip": True,
    "elastic": 0.4,
    "contrast": 0.3,
    "brightness": 0.4,
    "gamma": 0.5,
    "noise": 0.2,
    "shading": 0.4,
}


def random_pairs(count: int, size: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, H, W, 1) of normal noise, and labels 0, 1, 2 of the same shape."""
    random = np.random.default_rng(seed)
    images = random.normal(size=(count, *size, 1)).astype(np.float32)
    return images, random.integers(0, 3, (count, *size, 1)).astype(np.uint8)
