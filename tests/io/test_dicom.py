import numpy as np
import pydicom
import pytest
from pydicom.uid import EnhancedMRImageStorage, RLELossless

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


def sequence(**values):
    item = pydicom.Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return [item]


def enhanced(dataset, frames, **shared):
    """Turn a classic data set into an enhanced one whose top level has wrong values."""
    pixels, spacing = dataset.pixel_array, [float(value) for value in dataset.PixelSpacing]
    position = np.array(dataset.ImagePositionPatient, float)
    orientation = [float(value) for value in dataset.ImageOrientationPatient]
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    dataset.NumberOfFrames = frames
    dataset.PixelSpacing, dataset.ImagePositionPatient = [9, 9], [0, 0, 0]
    dataset.TriggerTime = 7
    dataset.PixelData = b"".join((pixels + i).astype("<i2").tobytes() for i in range(frames))
    measures = sequence(PixelSpacing=spacing, SliceThickness=6, SpacingBetweenSlices=10)
    plane = sequence(ImageOrientationPatient=orientation)
    groups = sequence(PixelMeasuresSequence=measures, PlaneOrientationSequence=plane)
    for keyword, value in shared.items():
        setattr(groups[0], keyword, value)
    dataset.SharedFunctionalGroupsSequence = groups
    dataset.PerFrameFunctionalGroupsSequence = []
    for i in range(frames):
        dataset.PerFrameFunctionalGroupsSequence += sequence(
            PlanePositionSequence=sequence(
                ImagePositionPatient=[float(value) for value in np.add(position, (0, 0, i))]
            ),
            FrameContentSequence=sequence(TemporalPositionIndex=i + 1, FrameAcquisitionDateTime=f"2020010110000{i}"),
            CardiacSynchronizationSequence=sequence(
                NominalCardiacTriggerDelayTime=12.5 + i, RRIntervalTimeNominal=800 + i
            ),
            PixelValueTransformationSequence=sequence(RescaleSlope=2.0 + i, RescaleIntercept=-i),
        )
    return pixels, spacing, position, orientation


@pytest.mark.parametrize("frames", [1, 3])
def test_read_enhanced_file_takes_values_of_functional_groups(frame, frames):
    dataset, path = frame
    del dataset.TriggerTime
    pixels, spacing, position, orientation = enhanced(dataset, frames)
    del dataset.TriggerTime, dataset.NominalInterval
    headers = read_headers(save(dataset, path))
    assert [header.record for header in headers] == ([None] if frames == 1 else [1, 2, 3])
    for i, header in enumerate(headers):
        assert header.geometry_error is None
        np.testing.assert_allclose(header.pixel_spacing, spacing)
        np.testing.assert_allclose(header.position, np.add(position, (0, 0, i)))
        np.testing.assert_allclose(header.orientation, orientation)
        assert (header.slice_thickness, header.slice_spacing) == (6, 10)
        assert (header.trigger_time, header.nominal_interval, header.temporal_index) == (12.5 + i, 800 + i, i + 1)
        assert header.acquired == f"2020010110000{i}"
        np.testing.assert_allclose(read_pixels(path, header.record), (pixels + i) * (2.0 + i) - i)
    if frames == 1:
        assert read_header(path).pixel_spacing == tuple(spacing)
    else:
        with pytest.raises(DataError, match="holds several frames"):
            read_header(path)
        for record in (None, 0, 4):
            with pytest.raises(DataError, match=r"holds several frames|has no frame"):
                read_pixels(path, record)


def test_read_rescale_of_shared_groups_and_of_classic_files(frame):
    dataset, path = frame
    pixels = dataset.pixel_array
    dataset.RescaleSlope, dataset.RescaleIntercept = "0.5", "-3"
    np.testing.assert_array_equal(read_pixels(save(dataset, path)), pixels * 0.5 - 3)
    dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
    assert read_pixels(save(dataset, path)).dtype == pixels.dtype
    transformation = sequence(RescaleSlope=3, RescaleIntercept=1)
    enhanced(dataset, 1, PixelValueTransformationSequence=transformation)
    del dataset.PerFrameFunctionalGroupsSequence[0].PixelValueTransformationSequence
    np.testing.assert_array_equal(read_pixels(save(dataset, path)), pixels * 3.0 + 1)


def test_read_empty_functional_groups_of_classic_file_change_nothing(frame):
    """The Sunnybrook files have one empty item."""
    dataset, path = frame
    before = read_header(save(dataset, path))
    dataset.PerFrameFunctionalGroupsSequence = [pydicom.Dataset()]
    assert read_header(save(dataset, path)) == before


def test_read_compressed_frames_one_by_one(frame):
    dataset, path = frame
    pixels, *_ = enhanced(dataset, 3)
    for item in dataset.PerFrameFunctionalGroupsSequence:
        del item.PixelValueTransformationSequence
    dataset.compress(RLELossless, generate_instance_uid=False)
    save(dataset, path)
    for i in (2, 0, 1):
        np.testing.assert_array_equal(read_pixels(path, i + 1), pixels + i)


def test_read_headers_of_file_without_image_raises(frame):
    dataset, path = frame
    del dataset.Rows, dataset.PixelData
    with pytest.raises(DataError, match=r"frame\.dcm: holds no image$"):
        read_headers(save(dataset, path))


def test_read_real_files_print_nothing(sunnybrook, capfd):
    for path in sorted(sunnybrook.glob("dicoms/SCD0000201/*.dcm")):
        read_headers(path)
        read_pixels(path)
    assert capfd.readouterr() == ("", "")
