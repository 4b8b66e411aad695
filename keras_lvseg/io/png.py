"""Images and labels that are kept as pictures: PNG files in shades of grey."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from keras_lvseg.errors import DataError
from keras_lvseg.files import open_bytes, read_bytes

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LARGEST_SIDE = 4096  # pixels; a cine study's have 512 at most
_LARGEST_FILE = 4 * _LARGEST_SIDE**2 + 1_000_000  # bytes; such a picture in four channels, not compressed at all
_GREY, _GREY_ALPHA = 0, 4  # a PNG's types of colour


def is_png(path: Path) -> bool:
    """Whether a file is a picture, by its name."""
    return path.suffix.lower() == ".png"


def read_png_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Rows and columns of a PNG picture, of which no more than the first bytes are read.

    Raises:
        DataError: It is no PNG, or too large to be a frame.
    """
    path = Path(path)
    with open_bytes(path) as (file, _):
        return _header(path, file.read(26))[0]


def read_png(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a picture in shades of grey.

    Args:
        path: A PNG file of up to 16 bits a pixel. One of 8 bits a channel will do where each colour is a grey, its
            red, green and blue being equal, and nothing is transparent.

    Returns:
        Array of shape (rows, columns), uint8 or uint16 as the file stores it. One of fewer than 8 bits a pixel is
        stretched to the range of uint8.

    Raises:
        DataError: It is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "frame.png"
        >>> Image.fromarray(np.array([[0, 7], [300, 65535]], np.uint16)).save(path)
        >>> read_png(path).tolist()
        [[0, 7], [300, 65535]]
    """
    path = Path(path)
    content = read_bytes(path, _LARGEST_FILE)
    _, bits, colour = _header(path, content[:26])
    try:
        # By the checksums, at which Pillow does not look when it decodes: a changed byte would be other pixels.
        Image.open(io.BytesIO(content), formats=["PNG"]).verify()
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            if colour == _GREY:
                return np.array(picture.convert("L") if bits < 8 else picture, np.uint8 if bits <= 8 else np.uint16)
            channels = np.array(picture.convert("RGBA"))
    except Exception as error:  # a damaged file makes Pillow raise whatever its parts raise
        reason = " ".join(str(error).split())[:120]
        raise DataError(path, f"is damaged ({reason})", "the file has to be a whole PNG file") from None
    remedy = "a PNG in shades of grey, of 8 or 16 bits, is due"
    grey = colour == _GREY_ALPHA or (bits <= 8 and (channels[..., 1:3] == channels[..., :1]).all())
    if not grey:
        raise DataError(path, "is a colour picture", remedy)
    if bits > 8:  # of which Pillow keeps the upper 8
        raise DataError(path, "has an alpha channel beside 16 bits of grey", remedy)
    if (channels[..., 3] < 255).any():
        raise DataError(path, "has transparency", remedy)
    return channels[..., 0]


def read_label(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a label picture.

    Args:
        path: A PNG file as of `read_png`: 0 outside and one other value inside, whichever.

    Returns:
        bool array of shape (rows, columns), True somewhere.

    Raises:
        DataError: It is no such file.
    """
    values = read_png(path)
    inside = values != 0
    if not inside.any():
        raise DataError(path, "is a label with nothing inside", "leave it out, for the frame is then an unlabelled one")
    levels = np.unique(values[inside])
    if len(levels) > 1:
        problem = f"is a label with {len(levels) + (not inside.all())} values"
        raise DataError(path, problem, "0 outside and one other value inside are due")
    return inside


def _header(path: Path, start: bytes) -> tuple[tuple[int, int], int, int]:
    """Rows and columns, bits a sample, and type of colour, from the first 26 bytes."""
    if len(start) < 26 or start[:8] != _SIGNATURE or start[12:16] != b"IHDR":
        raise DataError(path, "is not a PNG file")
    columns, rows, bits, colour = struct.unpack(">IIBB", start[16:26])
    if not (0 < rows <= _LARGEST_SIDE and 0 < columns <= _LARGEST_SIDE):
        raise DataError(path, f"claims {rows} x {columns} pixels", f"a side has 1 to {_LARGEST_SIDE}")
    return (rows, columns), bits, colour
