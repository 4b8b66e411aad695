import io
from contextlib import suppress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from keras_lvseg.io.jpeg_header import read_encoded_size
from tests.codestreams import jpeg_2000, jpeg_frame_header


@given(rows=st.integers(0, 2**16 - 1), columns=st.integers(0, 2**16 - 1))
def test_read_encoded_size_of_jpeg_returns_rows_and_columns(rows, columns):
    assert read_encoded_size(jpeg_frame_header(rows, columns)) == (rows, columns)


@given(
    content=st.binary(max_size=60), start=st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"\xff\x4f\xff\x51"])
)
def test_read_encoded_size_of_any_bytes_returns_size_or_raises_value_error(content, start):
    with suppress(ValueError):
        assert len(read_encoded_size(start + content)) == 2


def test_read_encoded_size_of_encoded_images_returns_their_size():
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256))
    assert read_encoded_size(jpeg_2000(pixels[:200, :120])) == (200, 120)
    file = io.BytesIO()
    Image.fromarray(pixels[:90, :33].astype(np.uint8)).save(file, "JPEG")
    assert read_encoded_size(file.getvalue()) == (90, 33)
