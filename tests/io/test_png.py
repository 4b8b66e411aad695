import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from keras_lvseg.errors import DataError
from keras_lvseg.io.png import read_png, read_png_label, read_png_size
from keras_lvseg.testing import masks

shapes = npst.array_shapes(min_dims=2, max_dims=2, max_side=12)
pixels = st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: npst.arrays(kind, shapes))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures") / "picture.png"


def save(path, values, **how):
    (values if isinstance(values, Image.Image) else Image.fromarray(values)).save(path, "PNG", **how)
    return path


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(rows, columns, bits, colour, content):
    """Return the bytes of a PNG as specified."""
    header = struct.pack(">IIBBBBB", columns, rows, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(content)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@given(pixels)
def test_read_png_grey_returns_stored_values(path, values):
    save(path, values)
    read = read_png(path)
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)
    assert read_png_size(path) == values.shape


def test_read_png_below_8_bits_is_stretched(path):
    path.write_bytes(png(1, 8, 1, 0, b"\0\xa0"))
    assert read_png(path).tolist() == [[255, 0, 255, 0, 0, 0, 0, 0]]
    path.write_bytes(png(1, 4, 2, 0, b"\0\x1b"))
    assert read_png(path).tolist() == [[0, 85, 170, 255]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_read_png_equal_channels_returns_values_and_colours_raise(path, mode):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = Image.fromarray(values)
    if mode == "P":
        picture.putpalette([level for level in range(256) for _ in range(3)])
    else:
        picture = picture.convert(mode)
    np.testing.assert_array_equal(read_png(save(path, picture)), values)
    if mode == "P":
        picture.putpalette([0, 0, 0, 255, 0, 0])
    elif mode == "LA":
        picture.putalpha(100)
    else:
        picture.putpixel((1, 2), (9, 9, 10))
    problem = "has transparency" if mode == "LA" else "is a colour image"
    with pytest.raises(DataError, match=rf"picture\.png: {problem}; expected a grey-scale PNG"):
        read_png(save(path, picture))


def test_read_png_16_bit_channels_raise(path):
    path.write_bytes(png(1, 1, 16, 2, b"\0" + struct.pack(">HHH", 300, 300, 300)))
    with pytest.raises(DataError, match="is a colour image"):
        read_png(path)
    path.write_bytes(png(1, 1, 16, 4, b"\0" + struct.pack(">HH", 300, 65535)))
    with pytest.raises(DataError, match="has 16 bits and an alpha channel"):
        read_png(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a PNG file"),
        (b"II*\0", "is not a PNG file"),
        (png(5000, 4, 8, 0, b""), r"has an invalid image size; expected 1 to 4096 pixels, got 5000 x 4"),
        (png(4, 2**32 - 1, 8, 0, b""), "got 4 x 4294967295"),
        (png(0, 4, 8, 0, b""), "got 0 x 4"),
        (png(4, 4, 9, 0, bytes(20)), "is damaged"),
        (png(4, 4, 8, 0, bytes(20))[:50], "is damaged"),
        (None, "cannot be read"),
    ],
)
def test_read_png_invalid_file_raises_in_one_line(path, content, message):
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_png(path)
    assert "\n" not in str(caught.value)
    if "damaged" not in message:
        with pytest.raises(DataError, match=message):
            read_png_size(path)


@given(pixels, st.data())
def test_read_png_damaged_file_returns_same_pixels_or_raises(path, values, data):
    content = bytearray(save(io.BytesIO(), values).getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        read = read_png(path)
    except DataError as error:
        refused = error.path
    else:  # the changed bytes have no meaning, or did not change
        np.testing.assert_array_equal(read, values)
        return
    assert refused == str(path)


@given(masks(), st.sampled_from([np.uint8(1), np.uint8(255), np.uint16(65535), np.uint16(2)]))
def test_read_png_label_any_inner_value_returns_mask(path, mask, value):
    save(path, mask * value)
    if mask.any():
        np.testing.assert_array_equal(read_png_label(path), mask)
    else:
        with pytest.raises(DataError, match="is an empty label; delete it"):
            read_png_label(path)


def test_read_png_label_several_values_raise(path):
    save(path, np.array([[0, 128], [255, 255]], np.uint8))
    with pytest.raises(DataError, match=r"too many values; expected 0 and one other value, got 3 values"):
        read_png_label(path)
