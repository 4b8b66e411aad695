import shutil
import struct
from contextlib import suppress

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import read_header, read_pixels
from tests.codestreams import jpeg_2000, jpeg_frame_header, jpeg_lossless


@pytest.fixture
def frame(phantom_tree, tmp_path):
    """The data set of a frame, its pixels, and a path for a compressed copy."""
    dataset = pydicom.dcmread(sorted(phantom_tree.glob("dicoms/*/*.dcm"))[0])
    return dataset, dataset.pixel_array, tmp_path / "frame.dcm"


def save(dataset, path, syntax, codestream):
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([codestream])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_read_pixels_compressed_by_pydicom_returns_same_pixels(frame, syntax):
    dataset, pixels, path = frame
    if syntax == JPEG2000Lossless:
        pytest.importorskip("openjpeg", reason="of the extra 'codecs'")
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)
    read_header(path)
    np.testing.assert_array_equal(read_pixels(path), pixels)
    assert read_pixels(path).dtype == np.int16


def test_read_pixels_jpeg_2000_by_pillow_returns_same_pixels(frame):
    dataset, pixels, path = frame
    dataset.PixelRepresentation = 0
    save(dataset, path, JPEG2000Lossless, jpeg_2000(pixels))
    np.testing.assert_array_equal(read_pixels(path), pixels)


@pytest.mark.parametrize("values", ["phantom", "noise"])
def test_read_pixels_jpeg_lossless_with_extra_returns_same_pixels(values, frame):
    pytest.importorskip("libjpeg", reason="of the extra 'codecs'")
    dataset, pixels, path = frame
    if values == "noise":  # all sizes of differences
        pixels = np.random.default_rng(0).integers(0, 2**16, pixels.shape, np.uint16)
        dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 0, 16, 15
    save(dataset, path, JPEGLosslessSV1, jpeg_lossless(pixels))
    read_header(path)
    np.testing.assert_array_equal(read_pixels(path), pixels)


def test_read_pixels_damaged_jpeg_lossless_does_not_end_the_process(frame):
    """GDCM ends it."""
    pytest.importorskip("libjpeg", reason="of the extra 'codecs'")
    dataset, pixels, path = frame
    pixels = pixels[:16, :12]
    dataset.Rows, dataset.Columns = pixels.shape
    whole = jpeg_lossless(pixels)
    for at in range(len(whole)):
        save(dataset, path, JPEGLosslessSV1, whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with suppress(DataError):
            assert read_pixels(path).shape == (16, 12)


def test_read_pixels_without_decoder_names_extra(frame):
    if get_decoder(JPEGLosslessSV1).is_available:
        pytest.skip("the extra 'codecs' is installed")
    dataset, pixels, path = frame
    save(dataset, path, JPEGLosslessSV1, jpeg_frame_header(*pixels.shape))
    read_header(path)
    with pytest.raises(
        DataError, match=r"frame\.dcm: has a compression .*; pip install 'keras-lvseg\[codecs\]' installs"
    ):
        read_pixels(path)


def test_as_arrays_of_compressed_tree_returns_same_bits(phantom_tree, tmp_path):
    tree = shutil.copytree(phantom_tree, tmp_path / "tree")
    for path in tree.glob("dicoms/*/*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    for part, same in zip(SAXDataset(tree).as_arrays("all"), SAXDataset(phantom_tree).as_arrays("all"), strict=True):
        np.testing.assert_array_equal(part, same)


@pytest.mark.parametrize("side", [0, 255, 30_000, 2**32 - 1])
def test_read_pixels_codestream_of_other_size_raises(frame, side):
    dataset, pixels, path = frame
    codestream = bytearray(jpeg_2000(pixels))
    struct.pack_into(">2I", codestream, 8, side, side)
    save(dataset, path, JPEG2000Lossless, bytes(codestream))
    with pytest.raises(DataError, match=f"of another size; expected 256 x 256 pixels, got {side} x {side} pixels"):
        read_pixels(path)


@pytest.mark.parametrize(
    "changes", [{"Rows": 60_000, "Columns": 60_000}, {"NumberOfFrames": 10**6}, {"SamplesPerPixel": 3}]
)
def test_read_header_and_pixels_with_huge_claims_raise(frame, changes):
    dataset, _, path = frame
    dataset.compress(RLELossless, generate_instance_uid=False)
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    for read in (read_header, read_pixels):
        with pytest.raises(
            DataError, match=r"invalid image size.* got 60000 x 60000|invalid NumberOfFrames|is a colour image"
        ):
            read(path)


def test_read_header_and_pixels_of_deflated_file_raise(frame):
    dataset, _, path = frame
    dataset.PixelData = bytes(2**24)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert path.stat().st_size < 2**16
    for read in (read_header, read_pixels):
        with pytest.raises(DataError, match="is deflated, which is not supported; expected a data set that is not"):
            read(path)


def test_read_pixels_damaged_run_lengths_returns_image_or_raises_data_error(frame):
    dataset, _, path = frame
    dataset.PixelData = dataset.pixel_array[:16, :12].tobytes()
    dataset.Rows, dataset.Columns = 16, 12
    dataset.compress(RLELossless, generate_instance_uid=False)
    dataset.save_as(path)
    whole = path.read_bytes()
    for at in range(len(whole) - 200, len(whole)):
        for value in (0, 0x7F, 0xFF):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            with suppress(DataError):
                assert read_pixels(path).shape == (16, 12)


def test_read_pixels_jpeg_of_12_bits_without_extra_names_it(frame, monkeypatch):
    """Pillow decodes this syntax with 8 bits only."""
    dataset, pixels, path = frame
    dataset.BitsStored, dataset.HighBit = 12, 11
    save(dataset, path, JPEGExtended12Bit, jpeg_frame_header(*pixels.shape))
    monkeypatch.setattr(type(get_decoder(JPEGExtended12Bit)), "available_plugins", ("pillow",))
    with pytest.raises(DataError, match=r"cannot be read: JPEG Extended .*; pip install 'keras-lvseg\[codecs\]'"):
        read_pixels(path)
