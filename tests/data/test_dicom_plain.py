import io

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.pixels import pixel_array
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from keras_lvseg.data.dicom import decode_pixels
from keras_lvseg.data.dicom_plain import plain_pixels

LITTLE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
IMAGES = st_numpy.arrays(
    st.sampled_from([np.dtype(kind) for kind in ("uint8", "int8", "uint16", "int16")]),
    st_numpy.array_shapes(min_dims=2, max_dims=2, max_side=9),
)


def encoded(pixels, syntax=ExplicitVRLittleEndian, unused_bits=0, **elements):
    """A DICOM file's bytes, and where its data set begins."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.PerFrameFunctionalGroupsSequence = Sequence([Dataset()])  # as in real files that are none the less plain
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = dataset.BitsAllocated - unused_bits
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.tobytes()
    dataset.add_new("PixelData", "OW" if pixels.itemsize == 2 else "OB", content + bytes(len(content) % 2))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    start = 144 + int.from_bytes(file.getvalue()[140:144], "little")  # the group's length is its first element
    return file.getvalue(), start


@given(IMAGES, st.sampled_from(LITTLE), st.sampled_from([0, 4]))
def test_it_is_what_pydicom_decodes(pixels, syntax, unused_bits):
    content, start = encoded(pixels, syntax, unused_bits)
    plain = plain_pixels(content, start, syntax)
    expected = pixel_array(io.BytesIO(content))
    assert plain.dtype == expected.dtype == pixels.dtype
    assert plain.flags.writeable
    np.testing.assert_array_equal(plain, expected)
    if not unused_bits:
        np.testing.assert_array_equal(plain, pixels)


@given(IMAGES, st.sampled_from(LITTLE), st.sampled_from([0, 4]))
def test_monochrome1_is_turned_over_within_what_the_file_can_store(pixels, syntax, unused_bits):
    content, start = encoded(pixels, syntax, unused_bits, PhotometricInterpretation="MONOCHROME1")
    stored = pixel_array(io.BytesIO(content)).astype(int)  # which pydicom leaves as it is
    bits = 8 * pixels.itemsize - unused_bits
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if pixels.dtype.kind == "i" else (0, 2**bits - 1)
    plain = plain_pixels(content, start, syntax)
    assert plain.dtype == pixels.dtype
    np.testing.assert_array_equal(plain, lowest + highest - stored)
    # The way of files that are not plain.
    odd, _ = encoded(pixels, syntax, unused_bits, PhotometricInterpretation="MONOCHROME1", NumberOfFrames=1)
    np.testing.assert_array_equal(decode_pixels(odd, "1.dcm"), plain)


@pytest.mark.parametrize(
    "unusual",
    [
        {"NumberOfFrames": 1},
        {"PixelData": bytes(30)},
        {"PixelData": bytes(34)},
        {"BitsAllocated": 32},
        {"SamplesPerPixel": 3},
        {"Rows": 0},
        {"PixelRepresentation": 2},
    ],
)
def test_anything_unusual_is_left_to_pydicom(unusual):
    content, start = encoded(np.arange(16, dtype=np.int16).reshape(4, 4), **unusual)
    assert plain_pixels(content, start, ExplicitVRLittleEndian) is None


def test_big_endian_is_left_to_pydicom():
    pixels = np.arange(16, dtype=np.int16).reshape(4, 4)
    content, start = encoded(pixels)
    assert plain_pixels(content, start, ExplicitVRBigEndian) is None
    np.testing.assert_array_equal(decode_pixels(content, "1.dcm"), pixels)


def test_the_real_sample_is_plain(sunnybrook):
    for path in sorted(sunnybrook.glob("dicoms/*/*.dcm"))[::40]:
        np.testing.assert_array_equal(decode_pixels(path.read_bytes(), path), pydicom.dcmread(path).pixel_array)
