"""Overlays: an image with the border of its mask."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

_COLOUR = (255, 82, 82)  # of predictions, as on contact sheets
_COLOUR_INDEX = 255  # last entry of the palette; the others are greys
_SIDE = 512  # approximate length of the longer side, in pixels


def draw_overlay(image: np.ndarray, mask: np.ndarray) -> Image.Image:
    """Return an enlarged image with the outermost pixels of the mask in red.

    Values below the 1st percentile are black, values above the 99.5th percentile are white. Each pixel becomes a block
    of n x n pixels, so that the longer side has about 512 pixels.

    Args:
        image: Array of shape (rows, columns), in any unit.
        mask: bool array of the same shape.

    Returns:
        An image of mode "P".

    Example:
        >>> drawn = draw_overlay(np.arange(12.0).reshape(3, 4), np.eye(3, 4, dtype=bool))
        >>> drawn.size, drawn.convert("RGB").getpixel((0, 0))
        ((512, 384), (255, 82, 82))
    """
    low, high = np.percentile(image, (1, 99.5))
    grey = np.clip((image - low) / max(high - low, 1e-6), 0, 1) * (_COLOUR_INDEX - 1)
    scale = max(round(_SIDE / max(image.shape)), 1)
    pixels = _enlarge(grey.astype(np.uint8), scale)
    pixels[_border(_enlarge(mask, scale))] = _COLOUR_INDEX
    drawn = Image.fromarray(pixels)
    # A palette needs one byte per pixel. That makes writing fast, because a study has hundreds of images.
    drawn.putpalette([*np.repeat(np.linspace(0, 255, _COLOUR_INDEX).astype(int), 3).tolist(), *_COLOUR])
    return drawn


def write_overlay(path: str | os.PathLike[str], image: np.ndarray, mask: np.ndarray) -> None:
    """Write the result of `draw_overlay` as a PNG file.

    Args:
        path: The PNG file to write.
        image: See `draw_overlay`.
        mask: See `draw_overlay`.
    """
    draw_overlay(image, mask).save(path, compress_level=1)


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _border(mask: np.ndarray) -> np.ndarray:
    """Return the mask pixels with at least one of four neighbours outside the mask."""
    padded = np.pad(mask, 1)
    return mask & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
