"""Image size in the header of a JPEG, JPEG-LS or JPEG 2000 codestream."""

from __future__ import annotations

import struct

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"  # first bytes; those of JPEG 2000 include its size marker
# The frame headers of JPEG and JPEG-LS are 0xC0 to 0xCF, except three markers of another meaning.
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def read_encoded_size(codestream: bytes) -> tuple[int, int]:
    """Return the rows and columns that a compressed image claims, without decoding it.

    Args:
        codestream: An image in JPEG, JPEG-LS or JPEG 2000.

    Raises:
        ValueError: The bytes are none of these formats, or end before the size.

    Example:
        >>> read_encoded_size(bytes.fromhex("ffd8 ffc3 000b 10 0100 00c0 01 01 11 00"))
        (256, 192)
    """
    try:
        if codestream.startswith(_JPEG_2000):
            right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
            return bottom - top, right - left
        if codestream.startswith(_JPEG):
            at = len(_JPEG)
            while True:
                marker, kind, length = struct.unpack_from(">BBH", codestream, at)
                if kind in _FRAME_HEADERS and marker == 0xFF:
                    return struct.unpack_from(">HH", codestream, at + 5)
                if marker != 0xFF or length < 2:
                    break
                at += 2 + length
    except struct.error:
        pass
    raise ValueError("no image in JPEG, JPEG-LS or JPEG 2000")
