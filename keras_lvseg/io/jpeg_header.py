"""How large a compressed image says it is, read from its own first bytes, before a decoder makes room for it."""

from __future__ import annotations

import struct

_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"  # how they begin; the second with its size
# JPEG's frame headers, those of JPEG-LS among them, are 0xC0 to 0xCF but for three that mean something else.
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}


def read_encoded_size(codestream: bytes) -> tuple[int, int]:
    """Rows and columns that an image in JPEG, JPEG-LS or JPEG 2000 says it has.

    A file's header may say one thing and the image in it another, of any size: the decoders believe the image.

    Args:
        codestream: The compressed image.

    Raises:
        ValueError: It is none of these, or ends before it tells its size.

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
    raise ValueError("holds no image in JPEG, JPEG-LS or JPEG 2000")
