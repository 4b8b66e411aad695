"""Codestreams of compressed images."""

import io
import struct

import numpy as np
from PIL import Image


def jpeg_2000(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16)).save(file, "JPEG2000", no_jp2=True)
    return file.getvalue()


def jpeg_frame_header(rows, columns):
    """Return a JPEG that ends after its frame header."""
    return b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + _frame_header(rows, columns)


def jpeg_lossless(pixels):
    """Return an image of uint16 as lossless JPEG (ITU-T T.81, annex H). Each pixel is predicted by the one before."""
    rows, columns = pixels.shape
    values = pixels.astype(np.int64)
    predicted = np.roll(values, 1, axis=1)
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 2**15
    bits = []
    for difference in ((values - predicted + 2**15) % 2**16 - 2**15).flat:
        size = int(abs(difference)).bit_length()
        bits.append(f"{size:05b}")  # the table below has codes of 5 bits
        if 0 < size < 16:
            bits.append(f"{difference if difference > 0 else difference + 2**size - 1:0{size}b}")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    data = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).replace(b"\xff", b"\xff\0")
    table = b"\xff\xc4" + struct.pack(">HB", 36, 0) + bytes([0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    scan = b"\xff\xda" + struct.pack(">HB2B3B", 8, 1, 1, 0, 1, 0, 0)
    return b"\xff\xd8" + _frame_header(rows, columns) + table + scan + data + b"\xff\xd9"


def _frame_header(rows, columns):
    return b"\xff\xc3" + struct.pack(">HBHHB3B", 11, 16, rows, columns, 1, 1, 17, 0)
