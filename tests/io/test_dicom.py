import numpy as np
import pydicom
import pytest
from pydicom.uid import RLELossless

from keras_lvseg.errors import DataError
from keras_lvseg.io.dicom import read_header, read_headers, read_pixels
from tests.small_tree import save


@pytest.fixture
def frame(phantom_tree, tmp_path):
    """The data set of a frame and a path for a changed copy."""
    return pydicom.dcmread(next(phantom_tree.glob("dicoms/*/*.dcm"))), tmp_path / "frame.dcm"


def test_read_header_equals_pydicom(frame):
    dataset, path = frame
    header = read_header(save(dataset, path))
    assert header.sop_instance_uid == dataset.SOPInstanceUID
    assert header.series_instance_uid == dataset.SeriesInstanceUID
    assert header.frame_of_reference_uid == dataset.FrameOfReferenceUID
    assert header.instance_number == dataset.InstanceNumber
    assert (header.rows, header.columns) == (dataset.Rows, dataset.Columns)
    assert header.pixel_spacing == tuple(dataset.PixelSpacing)
    assert header.position == tuple(dataset.ImagePositionPatient)
    assert header.trigger_time == dataset.TriggerTime
    np.testing.assert_array_equal(read_pixels(path), dataset.pixel_array)


def test_read_malformed_uid_gives_no_warning(frame):
    dataset, path = frame
    with pydicom.config.disable_value_validation():
        dataset.StudyInstanceUID = "2.16.124.113543.6006.99.08980635789900778171"
    save(dataset, path)
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        str(pydicom.dcmread(path).StudyInstanceUID)
    assert read_header(path).study_instance_uid == "2.16.124.113543.6006.99.08980635789900778171"
    read_pixels(path)


def test_read_pixels_run_length_encoded_returns_same_pixels(frame):
    dataset, path = frame
    pixels = dataset.pixel_array
    dataset.compress(RLELossless, generate_instance_uid=False)
    save(dataset, path)
    read_header(path)
    np.testing.assert_array_equal(read_pixels(path), pixels)


@pytest.mark.parametrize("compressed", [False, True])
def test_read_pixels_monochrome1_is_inverted(frame, compressed):
    dataset, path = frame
    pixels = dataset.pixel_array
    dataset.PixelData = (-1 - pixels).tobytes()
    dataset.PhotometricInterpretation = "MONOCHROME1"
    if compressed:
        dataset.compress(RLELossless, generate_instance_uid=False)
    save(dataset, path)
    assert read_header(path).rows == dataset.Rows
    np.testing.assert_array_equal(read_pixels(path), pixels)
    assert read_pixels(path).dtype == pixels.dtype


def test_read_pixels_excess_bytes_give_no_warning(frame):
    dataset, path = frame
    pixels = dataset.pixel_array
    dataset.PixelData += bytes(10)
    save(dataset, path)
    with pytest.warns(UserWarning, match="excess padding"):
        _ = pydicom.dcmread(path).pixel_array
    np.testing.assert_array_equal(read_pixels(path), pixels)


def test_read_pixels_unsigned_monochrome1_is_inverted_within_stored_bits(frame):
    dataset, path = frame
    pixels = dataset.pixel_array
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME1", 0
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.PixelData = (4095 - pixels).astype("<u2").tobytes()
    read = read_pixels(save(dataset, path))
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("lost", [1, 40, 100_000])
def test_read_header_of_cut_pixels_raises(frame, lost):
    dataset, path = frame
    path.write_bytes(save(dataset, path).read_bytes()[:-lost])
    with pytest.raises(DataError, match="is cut short") as caught:
        read_header(path)
    assert caught.value.path == str(path)


def test_read_header_of_cut_header_raises(frame):
    dataset, path = frame
    whole = save(dataset, path).read_bytes()
    for end in range(1, len(whole) - dataset.Rows * dataset.Columns * 2, 97):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError) as caught:
            read_header(path)
        assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("InstanceNumber", None, "has no InstanceNumber"),
        ("ImagePositionPatient", None, "has no ImagePositionPatient"),
        ("PixelSpacing", None, "has no PixelSpacing"),
        ("SeriesInstanceUID", "", "has no SeriesInstanceUID"),
        ("PixelSpacing", [0, 1], r"invalid PixelSpacing; expected 2 numbers above 0, in mm, got \(0\.0, 1\.0\)"),
        ("PixelSpacing", [0, 0], "has no PixelSpacing"),
        ("NumberOfFrames", 20, "is cut short"),
        ("NumberOfFrames", 0, "invalid NumberOfFrames"),
        ("SamplesPerPixel", 3, "is a colour image"),
        ("PhotometricInterpretation", "PALETTE COLOR", "is a colour image"),
    ],
)
def test_read_header_invalid_element_raises(frame, keyword, value, message):
    dataset, path = frame
    if value is None:
        delattr(dataset, keyword)
    else:
        setattr(dataset, keyword, value)
    with pytest.raises(DataError, match=message):
        read_header(save(dataset, path))


def test_read_headers_incomplete_header_has_unknown_values(frame):
    dataset, path = frame
    spacing = tuple(dataset.PixelSpacing)
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "InstanceNumber", "PatientID"):
        delattr(dataset, keyword)
    (header,) = read_headers(save(dataset, path))
    assert header.geometry_error is None
    assert (header.sop_instance_uid, header.instance_number, header.patient_id) == ("", 0, "")
    dataset.ImageOrientationPatient = [1, 0, 0]
    (header,) = read_headers(save(dataset, path))
    assert header.geometry_error == "has no ImageOrientationPatient; expected 6 numbers"
    assert ((header.rows, header.columns), header.pixel_spacing) == ((dataset.Rows, dataset.Columns), spacing)
    for unknown, problem in (
        (None, "has no PixelSpacing"),
        ([0, 0], "has no"),
        ([1, -1], "has an invalid PixelSpacing"),
    ):
        dataset.PixelSpacing = unknown
        (header,) = read_headers(save(dataset, path))
        assert np.isnan(header.pixel_spacing).all()
        assert problem in header.geometry_error or "Orientation" in header.geometry_error
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="is cut short"):
        read_headers(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500), b"PK\x03\x04" + bytes(500)])
def test_read_header_and_pixels_of_other_file_raise(tmp_path, content):
    path = tmp_path / "1.dcm"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not a DICOM file"):
        read_header(path)
    with pytest.raises(DataError, match="is not a DICOM file"):
        read_pixels(path)


def test_read_header_of_real_files_gives_no_warning(sunnybrook):
    paths = sorted(sunnybrook.glob("dicoms/*/*.dcm"))
    assert len(paths) == 278
    for path in paths:
        header = read_header(path)
        assert header.instance_number == int(path.stem)
    pixels = read_pixels(paths[0])
    assert pixels.dtype == np.int16
    assert pixels.min() >= 0
