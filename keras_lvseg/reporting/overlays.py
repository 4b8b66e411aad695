"""Overlays: an image with the border of its mask."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_COLOURS = ((255, 210, 63), (255, 82, 82))  # of myocardium and cavity; the latter as on contact sheets
_MYOCARDIUM, _CAVITY = 254, 255  # last entries of the palette; the others are greys
_SIDE = 512  # approximate length of the longer side, in pixels
_TEXT_SIZE = 20


def draw_overlay(image: np.ndarray, mask: np.ndarray, *, title: str = "") -> Image.Image:
    """Return an enlarged image with the outermost pixels of the cavity in red, and of the myocardium in yellow.

    Values below the 1st percentile are black, values above the 99.5th percentile are white. Each pixel becomes a block
    of n x n pixels, so that the longer side has about 512 pixels.

    Args:
        image: Array of shape (rows, columns), in any unit.
        mask: Array of the same shape: bool, or 0 background, 1 cavity, 2 myocardium.
        title: Text in the upper left corner.

    Returns:
        An image of mode "P".

    Example:
        >>> drawn = draw_overlay(np.arange(12.0).reshape(3, 4), np.eye(3, 4, dtype=bool))
        >>> drawn.size, drawn.convert("RGB").getpixel((0, 0))
        ((512, 384), (255, 82, 82))
    """
    scale = max(round(_SIDE / max(image.shape)), 1)
    pixels = _enlarge(grey_levels(image, _MYOCARDIUM), scale)
    labels = _enlarge(np.asarray(mask, np.uint8), scale)
    if labels.max() > 1:
        pixels[_border(labels > 0)] = _MYOCARDIUM
    pixels[_border(labels == 1)] = _CAVITY
    drawn = Image.fromarray(pixels)
    # A palette needs one byte per pixel. That makes writing fast, because a study has hundreds of images.
    greys = np.repeat(np.linspace(0, 255, _MYOCARDIUM).astype(int), 3).tolist()
    drawn.putpalette([*greys, *(level for colour in _COLOURS for level in colour)])
    if title:
        _draw_title(drawn, title)
    return drawn


def grey_levels(image: np.ndarray, levels: int = 256) -> np.ndarray:
    """Return an image as grey levels: black below the 1st percentile, white above the 99.5th.

    Args:
        image: Array of shape (rows, columns), in any unit.
        levels: Number of grey levels.

    Returns:
        uint8 array of the same shape, from 0 to `levels` - 1.
    """
    low, high = np.percentile(image, (1, 99.5))
    return (np.clip((image - low) / max(high - low, 1e-6), 0, 1) * (levels - 1)).astype(np.uint8)


def write_overlay(path: str | os.PathLike[str], image: np.ndarray, mask: np.ndarray, *, title: str = "") -> None:
    """Write the result of `draw_overlay` as a PNG file.

    Args:
        path: The PNG file to write.
        image: See `draw_overlay`.
        mask: See `draw_overlay`.
        title: See `draw_overlay`.
    """
    draw_overlay(image, mask, title=title).save(path, compress_level=1)


def _draw_title(drawn: Image.Image, title: str) -> None:
    draw = ImageDraw.Draw(drawn)
    draw.fontmode = "1"  # shades between two entries of a palette would be colours
    font = ImageFont.load_default(_TEXT_SIZE)
    left, top, right, bottom = draw.textbbox((8, 6), title, font=font)
    draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill=0)
    draw.text((8, 6), title, fill=_MYOCARDIUM - 1, font=font)


def _enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _border(mask: np.ndarray) -> np.ndarray:
    """Return the mask pixels with at least one of four neighbours outside the mask."""
    padded = np.pad(mask, 1)
    return mask & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])
