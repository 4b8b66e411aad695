"""The files that pydicom tests itself with: each is read as pydicom decodes it, or refused for a true reason."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_rescale
from pydicom.uid import DeflatedExplicitVRLittleEndian

from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import read_headers, read_pixels

ROOT = Path(pydicom.__file__).parent / "data" / "test_files"
FILES = sorted(path for path in ROOT.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
NO_IMAGE = r"is not a DICOM file|holds no image|has no Rows|has an invalid NumberOfFrames"
NO_PIXELS = r"is cut short|is damaged|holds a compressed image of another size|keras-lvseg\[codecs\]"
COLOUR = "is a colour image"


def decode(path):
    """Return the dataset and its frames as pydicom decodes them, None for what it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        try:
            return dataset, dataset.pixel_array
        except Exception:
            return dataset, None


def expected_refusal(dataset, pixels):
    """Return why a file cannot be read, as a pattern; None if it must be read."""
    if dataset.get("PhotometricInterpretation", "MONOCHROME2").strip() not in ("MONOCHROME1", "MONOCHROME2"):
        return f"{COLOUR}|{NO_IMAGE}"
    if dataset.get("file_meta", {}).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return "is deflated, which is not supported"
    return f"{NO_IMAGE}|{NO_PIXELS}" if pixels is None else None


def test_pydicom_has_files():
    assert len(FILES) > 100


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_file_of_pydicom_is_read_pixel_by_pixel_or_refused_for_a_true_reason(path):
    dataset, pixels = decode(path)
    refusal = expected_refusal(dataset, pixels)
    if refusal is not None:
        with pytest.raises(DataError, match=refusal) as caught:
            [read_pixels(path, header.record) for header in read_headers(path)]
        assert str(caught.value).isprintable()
        return
    read = np.stack([read_pixels(path, header.record) for header in read_headers(path)])
    due = apply_rescale(pixels, dataset).reshape(read.shape)
    if dataset.PhotometricInterpretation == "MONOCHROME1":  # inverted: both add up to one number
        np.testing.assert_allclose(read + due, (read + due).flat[0], rtol=1e-12)
        return
    np.testing.assert_array_equal(read, due)
