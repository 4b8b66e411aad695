"""Images drawn from label maps with random intensities, as SynthSeg trains on.

Billot B et al., "SynthSeg: Segmentation of brain MRI scans of any contrast and resolution without retraining", Medical
Image Analysis 86 (2023). The background has no labels here, so its regions are ranges of intensity of the real image.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_CAVITY, _WALL = 1, 2
_RANGES = (4, 9)  # fewest ranges of intensity in the background, and one more than the most
_RING = 5  # pixels around a cavity without a labelled wall
_NOISE, _BLUR = (0.0, 0.12), (0.3, 1.2)


def draw_image(image: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw an image that fits a label map.

    Each region has a random mean and noise of a random strength: ranges of intensity of the smoothed background, the
    wall, and two ranges of the cavity, blood and trabeculae. Blood is brighter than the wall, as in every cine.

    Args:
        image: The real image, float array of shape (H, W).
        label: Its classes, of the same shape: 1 cavity, 2 wall, 3 background or wall.
        rng: Random numbers.

    Returns:
        float32 array of the same shape with mean 0 and standard deviation 1.
    """
    regions = _regions(image, label, rng)
    count = regions.max() + 1
    means = rng.uniform(0, 1, count)
    cavity, around = label == _CAVITY, label == _WALL
    if cavity.any():
        blood = rng.uniform(0.4, 1)
        if not around.any():
            around = ndimage.binary_dilation(cavity, iterations=_RING) & ~cavity
        wall = np.bincount(regions[around], minlength=count).argmax()
        means[wall] = blood * rng.uniform(0.1, 0.8)
        trabeculae, lumen = regions[cavity].min(), regions[cavity].max()
        means[trabeculae], means[lumen] = blood + (means[wall] - blood) * rng.uniform(0, 0.6), blood
    noise = rng.uniform(*_NOISE, count)
    grain = ndimage.gaussian_filter(rng.standard_normal(image.shape), rng.uniform(0, 1))
    drawn = means[regions] + noise[regions] * grain / grain.std()
    drawn = ndimage.gaussian_filter(drawn, rng.uniform(*_BLUR))
    return ((drawn - drawn.mean()) / drawn.std()).astype(np.float32)


def _regions(image: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the number of each pixel's region. The cavity's are the last."""
    smooth = ndimage.gaussian_filter(image, rng.uniform(0.5, 1.5))
    shares = np.sort(rng.uniform(0, 1, rng.integers(*_RANGES) - 1))
    regions = np.digitize(smooth, np.quantile(smooth, shares))
    regions[label == _WALL] = regions.max() + 1
    cavity = label == _CAVITY
    if cavity.any():
        dark = image[cavity] < np.quantile(image[cavity], rng.uniform(0, 0.4))
        regions[cavity] = regions.max() + 1 + ~dark
    return regions
