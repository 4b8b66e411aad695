"""A picture of one image with the outline of its mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

_COLOUR = (255, 82, 82)  # as predictions have on every sheet
_LINE = 255  # the palette's last entry; greys are those before it
_SIDE = 512  # pixels that a picture's longer side has about


def overlay(image: np.ndarray, mask: np.ndarray) -> Image.Image:
    """Draw the line that runs along a mask's pixels, just inside.

    Args:
        image: Array of shape (rows, columns), any unit.
        mask: bool array of the same shape.

    Returns:
        The image in shades of grey, each of its pixels 1 x 1, 2 x 2, ... pixels of the picture; what is darker than
        99 % of it is black, what is brighter than 99.5 % white.

    Example:
        >>> picture = overlay(np.arange(12.0).reshape(3, 4), np.eye(3, 4, dtype=bool))
        >>> picture.size, picture.convert("RGB").getpixel((0, 0))
        ((512, 384), (255, 82, 82))
    """
    low, high = np.percentile(image, (1, 99.5))
    grey = np.clip((image - low) / max(high - low, 1e-6), 0, 1) * (_LINE - 1)
    scale = max(round(_SIDE / max(image.shape)), 1)
    large = _enlarged(grey.astype(np.uint8), scale)
    large[_rim(_enlarged(mask, scale))] = _LINE
    picture = Image.fromarray(large)
    # One byte a pixel, for it has to be quick: a study has hundreds of images.
    picture.putpalette([*np.repeat(np.linspace(0, 255, _LINE).astype(int), 3).tolist(), *_COLOUR])
    return picture


def write_overlay(path: Path, image: np.ndarray, mask: np.ndarray) -> None:
    """Write `overlay` as a PNG file."""
    overlay(image, mask).save(path, compress_level=1)


def _enlarged(image: np.ndarray, scale: int) -> np.ndarray:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _rim(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that have one beside them that is not of it."""
    framed = np.pad(mask, 1)
    return mask & ~(framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:])
