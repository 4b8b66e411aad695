"""PNG files: grey-scale images and labels."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import open_bytes, read_bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_SIDE = 4096  # pixels; images of cine studies have up to 512
_MAX_FILE_SIZE = 4 * _MAX_SIDE**2 + 1_000_000  # bytes; the largest image with four channels, uncompressed
_GREY, _GREY_ALPHA = 0, 4  # colour types of PNG
_EXPECTED = "a grey-scale PNG of 8 or 16 bits"


def is_png(path: Path) -> bool:
    """Return whether a file is a PNG by its suffix."""
    return path.suffix.lower() == ".png"


def read_png_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Read only the rows and columns of a PNG.

    Raises:
        DataError: The file is not a PNG, or too large for a frame.
    """
    path = Path(path)
    with open_bytes(path) as (file, _):
        return _parse_header(path, file.read(26))[0]


def read_png(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a grey-scale PNG.

    Args:
        path: A PNG of up to 16 bits per pixel. An image with colour channels of 8 bits is accepted if red, green and
            blue are equal in each pixel and nothing is transparent.

    Returns:
        Array of shape (rows, columns), uint8 or uint16 as in the file. Fewer than 8 bits per pixel are stretched to
        the range of uint8.

    Raises:
        DataError: The file is damaged, too large, or has colours or transparency.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "frame.png"
        >>> Image.fromarray(np.array([[0, 7], [300, 65535]], np.uint16)).save(path)
        >>> read_png(path).tolist()
        [[0, 7], [300, 65535]]
    """
    path = Path(path)
    content = read_bytes(path, _MAX_FILE_SIZE)
    _, bits, colour_type = _parse_header(path, content[:26])
    with as_data_error(path, "is damaged", expected="a whole PNG file"):
        # Pillow checks checksums only in `verify`, and a changed byte would give other pixels.
        Image.open(io.BytesIO(content), formats=["PNG"]).verify()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if colour_type == _GREY:
                return np.array(image.convert("L") if bits < 8 else image, np.uint8 if bits <= 8 else np.uint16)
            channels = np.array(image.convert("RGBA"))
    grey = colour_type == _GREY_ALPHA or (bits <= 8 and (channels[..., 1:3] == channels[..., :1]).all())
    if not grey:
        raise DataError(path, "is a colour image", expected=_EXPECTED)
    if bits > 8:  # Pillow reduces these to 8 bits
        raise DataError(path, "has 16 bits and an alpha channel", expected=_EXPECTED)
    if (channels[..., 3] < 255).any():
        raise DataError(path, "has transparency", expected=_EXPECTED)
    return channels[..., 0]


def read_png_label(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a label PNG.

    Args:
        path: A PNG as of `read_png`: 0 outside, one other value inside.

    Returns:
        bool array of shape (rows, columns) with at least one True.

    Raises:
        DataError: See `read_png`; or the label is empty, or has further values.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "label.png"
        >>> Image.fromarray(np.array([[0, 255], [0, 0]], np.uint8)).save(path)
        >>> read_png_label(path).tolist()
        [[False, True], [False, False]]
    """
    values = read_png(path)
    inside = values != 0
    if not inside.any():
        raise DataError(path, "is an empty label", "delete it: a frame without a label is unlabelled")
    levels = np.unique(values)
    if np.count_nonzero(levels) > 1:
        raise DataError(
            path, "is a label with too many values", expected="0 and one other value", got=f"{len(levels)} values"
        )
    return inside


def _parse_header(path: Path, start: bytes) -> tuple[tuple[int, int], int, int]:
    """Return (rows, columns), bits per sample and colour type, from the first 26 bytes."""
    if len(start) < 26 or start[:8] != _SIGNATURE or start[12:16] != b"IHDR":
        raise DataError(path, "is not a PNG file")
    columns, rows, bits, colour_type = struct.unpack(">IIBB", start[16:26])
    if not (0 < rows <= _MAX_SIDE and 0 < columns <= _MAX_SIDE):
        raise DataError(
            path, "has an invalid image size", expected=f"1 to {_MAX_SIDE} pixels", got=f"{rows} x {columns}"
        )
    return (rows, columns), bits, colour_type
