"""Codestreams of compressed images."""

import io
import struct

import numpy as np
from PIL import Image


def jpeg_2000(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16)).save(file, "JPEG2000", no_jp2=True)
    return file.getvalue()


def jpeg_lossless(rows, columns):
    """Return a JPEG that ends after its frame header."""
    return (
        b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xc3" + struct.pack(">HBHHB3B", 11, 16, rows, columns, 1, 1, 17, 0)
    )
