"""DICOM files with grey-scale images, classic and enhanced, of one frame or several: headers and pixels."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels import get_decoder, pixel_array
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
    RLELossless,
)

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import open_bytes, read_bytes
from keras_lvseg.geometry.planes import image_centre, slice_normal
from keras_lvseg.io.jpeg_header import read_encoded_size

DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
"""Suffixes of DICOM files, in lower case. A DICOM file may also have none."""

_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
# A file may claim any size. Larger ones are refused before memory is allocated.
_MAX_FILE_SIZE = 2**30  # bytes
_MAX_SIDE = 4096  # pixels
_MAX_FRAMES = 20_000  # in one file
# In the order of preference. GDCM is left out, because some damaged files make it end the process. So do other decoders
# of run lengths than the first one.
_DECODERS = ("pydicom", "pylibjpeg", "pyjpegls", "pillow")
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_REQUIRED: Any = object()


@dataclass(frozen=True)
class Header:
    """The header of one frame. Values that the file lacks are nan, empty or None; a number that it lacks is 0.

    The values of an enhanced file are those of the frame's functional groups.

    Attributes:
        path: The file.
        record: Number of the frame in the file, from 1. None if the file holds a single frame.
        patient_id: The patient's identity.
        sop_instance_uid: Identity of the file's image.
        series_instance_uid: Identity of its series.
        study_instance_uid: Identity of its study.
        frame_of_reference_uid: Identity of the coordinate system of `position`.
        study_date: Date of the examination, as text.
        series_number: Number of the series in its study.
        acquired: Date and time of the acquisition, as text that sorts by time.
        instance_number: Number of the image in its series, or of the frame in its file.
        temporal_index: Number of the frame among those of its slice.
        rows: Image height in pixels.
        columns: Image width in pixels.
        pixel_spacing: Distance between rows and between columns, mm.
        position: Centre of the first pixel in patient coordinates, mm.
        orientation: Direction cosines along a row, then along a column.
        slice_thickness: mm.
        slice_spacing: Distance between slice centres, mm.
        trigger_time: Time after the R wave, ms.
        nominal_interval: Duration of the cardiac cycle, ms.
        phases: Number of phases of the cardiac cycle.
        geometry_error: Why the place of the frame is unknown, a phrase that follows the path. None if it is known.
    """

    path: Path
    record: int | None
    patient_id: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    study_date: str
    series_number: int
    acquired: str
    instance_number: int
    temporal_index: int
    rows: int
    columns: int
    pixel_spacing: tuple[float, float]
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    slice_thickness: float | None
    slice_spacing: float | None
    trigger_time: float | None
    nominal_interval: float | None
    phases: int | None
    geometry_error: str | None = None

    @property
    def key(self) -> tuple[Path, int | None]:
        """File and number of the frame in it, which identify the frame."""
        return self.path, self.record

    @property
    def centre(self) -> np.ndarray:
        """Centre of the image in patient coordinates, mm."""
        return image_centre(self.position, self.orientation, self.pixel_spacing, (self.rows, self.columns))


def is_dicom(path: Path) -> bool:
    """Return whether a file is DICOM, by its suffix, else by its first bytes.

    Raises:
        DataError: The file cannot be read.
    """
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    with open_bytes(path) as (file, _):
        return _has_preamble(file.read(132))


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of a DICOM file with one frame, and require that it is complete.

    Args:
        path: A DICOM file with one grey-scale image.

    Raises:
        DataError: The file is not DICOM, is cut short, holds no image, several frames or colours, or lacks an
            identity, the position, the orientation or the pixel spacing.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> header = read_header(sorted(folder.glob("dicoms/*/*.dcm"))[0])
        >>> header.rows, header.columns, header.phases
        (256, 256, 20)
    """
    path = Path(path)
    with _parsing(path):
        image = _open(path)
        if image.frames != 1:
            raise DataError(path, "holds several frames", expected="one frame per file")
        elements = image.elements(0)
        header = _header(image, elements, None)
        if elements.problems:
            raise next(iter(elements.problems.values()))
        return header


def read_headers(path: str | os.PathLike[str]) -> tuple[Header, ...]:
    """Read the headers of all frames of a DICOM file, complete or not.

    Args:
        path: A DICOM file with grey-scale images, classic or enhanced.

    Raises:
        DataError: The file is not DICOM, is cut short, or holds no image or colours.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> (header,) = read_headers(sorted(folder.glob("dicoms/*/*.dcm"))[0])
        >>> header.patient_id, header.record, header.geometry_error
        ('PHANTOM0001', None, None)
    """
    path = Path(path)
    with _parsing(path):
        image = _open(path)
        numbers = range(1, image.frames + 1) if image.frames > 1 else (None,)
        return tuple(_header(image, image.elements((number or 1) - 1), number) for number in numbers)


def read_pixels(path: str | os.PathLike[str], record: int | None = None) -> np.ndarray:
    """Read the image of a DICOM file, or one frame of it. The file that was read last stays in memory.

    Args:
        path: A DICOM file with grey-scale images.
        record: Number of the frame, from 1. None for a file with a single frame.

    Returns:
        Array of shape (rows, columns) of the file's type, or of floats if the file has a slope and intercept. Larger
        values are brighter: MONOCHROME1 is inverted within the range of the stored bits.

    Raises:
        DataError: The pixels cannot be decoded. The message names the missing package if that is the cause.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> pixels = read_pixels(sorted(folder.glob("dicoms/*/*.dcm"))[0])
        >>> pixels.shape, pixels.dtype
        ((256, 256), dtype('int16'))
    """
    path = Path(path)
    with _parsing(path):
        image = _open(path)
        if record is None and image.frames != 1:
            raise DataError(path, "holds several frames", expected="one frame per file")
        index = 0 if record is None else record - 1
        if not 0 <= index < image.frames:
            raise DataError(path, f"has no frame {record}", expected=f"1 to {image.frames}")
        plugin = "" if image.syntax in _UNCOMPRESSED else _choose_decoder(image, index)
        pixels = pixel_array(image.dataset, index=index, decoding_plugin=plugin)
        elements = image.elements(index)
        if elements.text("PhotometricInterpretation", default="") == "MONOCHROME1":
            signed = pixels.dtype.kind == "i"  # the range is symmetric about -0.5
            pixels = ~pixels if signed else 2 ** elements.number("BitsStored", int) - 1 - pixels
        slope = elements.number("RescaleSlope", float, default=1.0)
        intercept = elements.number("RescaleIntercept", float, default=0.0)
        return pixels if (slope, intercept) == (1.0, 0.0) else pixels * slope + intercept


def _header(image: _Image, elements: _Elements, record: int | None) -> Header:
    position = elements.numbers("ImagePositionPatient", 3)
    if record is not None and "ImagePositionPatient" not in elements.groups:
        # One position for all frames is not the position of each.
        position = (np.nan,) * 3
        problem = "holds several frames without a position of each"
        elements.problems.setdefault("ImagePositionPatient", DataError(image.path, problem))
    orientation = elements.numbers("ImageOrientationPatient", 6)
    if not np.isnan(orientation).any():
        try:
            slice_normal(orientation)
        except ValueError as invalid:
            elements.problems["ImageOrientationPatient"] = DataError(image.path, f"has a {invalid}")
    spacing = elements.pixel_spacing()
    unplaced = (elements.problems.get(keyword) for keyword in _GEOMETRY)
    error = next((problem.reason for problem in unplaced if problem), None)
    trigger = elements.number("TriggerTime", float, default=None)
    if trigger is None:
        trigger = elements.number("NominalCardiacTriggerDelayTime", float, default=None)
    interval = elements.number("NominalInterval", float, default=None)
    if interval is None:
        interval = elements.number("RRIntervalTimeNominal", float, default=None)
    return Header(
        path=image.path,
        record=record,
        patient_id=elements.text("PatientID", default=""),
        sop_instance_uid=elements.text("SOPInstanceUID"),
        series_instance_uid=elements.text("SeriesInstanceUID"),
        study_instance_uid=elements.text("StudyInstanceUID"),
        frame_of_reference_uid=elements.text("FrameOfReferenceUID", default=""),
        study_date=elements.text("StudyDate", default=""),
        series_number=elements.number("SeriesNumber", int, default=0),
        acquired=_acquired(elements),
        instance_number=_instance_number(elements, record),
        temporal_index=elements.number("TemporalPositionIndex", int, default=0),
        rows=image.rows,
        columns=image.columns,
        pixel_spacing=spacing,
        position=position,
        orientation=orientation,
        slice_thickness=elements.number("SliceThickness", float, default=None),
        slice_spacing=elements.number("SpacingBetweenSlices", float, default=None),
        trigger_time=trigger,
        nominal_interval=interval,
        phases=elements.number("CardiacNumberOfImages", int, default=None),
        geometry_error=error,
    )


def _instance_number(elements: _Elements, record: int | None) -> int:
    """Return the number of an image in its series. A frame has that of its functional groups, else its own."""
    if record is None or "InstanceNumber" in elements.groups:
        return elements.number("InstanceNumber", int)
    return record


def _acquired(elements: _Elements) -> str:
    """Return the time of the acquisition, or of the series."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        if text := elements.text(keyword, default=""):
            return text
    for kind in ("Acquisition", "Series"):
        if time := elements.text(f"{kind}Time", default=""):
            return elements.text(f"{kind}Date", default="") + time
    return ""


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes pydicom raise into a `DataError`, and hide warnings.

    Real files cause warnings that change nothing, for example about zeros that lead a component of a UID. Some name
    the module that called pydicom, so that they cannot be told by their module.
    """
    with warnings.catch_warnings(), as_data_error(path, "is damaged", expected="a whole DICOM file"):
        warnings.simplefilter("ignore")
        yield


class _Elements:
    """Typed access to the elements of one frame: those of its functional groups, then those of the file.

    A missing or malformed element has its default. Unless the default was given, it is listed in `problems` as well, as
    is every malformed element.
    """

    def __init__(self, path: Path, dataset: pydicom.Dataset, groups: Mapping[str, Any]):
        self.path = path
        self.dataset = dataset
        self.groups = groups
        self.problems: dict[str, DataError] = {}

    def text(self, keyword: str, default: str = _REQUIRED) -> str:
        text = str(self._value(keyword) or "").strip("\0 ")
        return sys.intern(text) if text else self._default(keyword, default, "")

    def number(self, keyword: str, kind: type, default: Any = _REQUIRED) -> Any:
        value = self._value(keyword)
        missing = value is None or value == ""
        return self._default(keyword, default, 0) if missing else self._convert(keyword, value, kind, default)

    def numbers(self, keyword: str, count: int) -> Any:
        values = self._value(keyword)
        if values is None or isinstance(values, str | float | int) or len(values) != count:
            return self._default(keyword, _REQUIRED, (np.nan,) * count, f"{count} numbers")
        return _shared(tuple(self._convert(keyword, value, float, np.nan) for value in values))

    def pixel_spacing(self) -> tuple[float, float]:
        spacing = self.numbers("PixelSpacing", 2)
        if spacing == (0, 0):  # some writers leave zeros where the spacing is unknown
            return self._default("PixelSpacing", _REQUIRED, (np.nan,) * 2)
        if min(spacing) <= 0:
            self._malformed("PixelSpacing", spacing, "2 numbers above 0, in mm")
            return (np.nan,) * 2
        return spacing

    def _value(self, keyword: str) -> Any:
        return self.groups[keyword] if keyword in self.groups else self.dataset.get(keyword)

    def _default(self, keyword: str, default: Any, unknown: Any, expected: str | None = None) -> Any:
        if default is not _REQUIRED:
            return default
        self.problems[keyword] = DataError(self.path, f"has no {keyword}", expected=expected)
        return unknown

    def _convert(self, keyword: str, value: Any, kind: type, default: Any) -> Any:
        try:
            number = kind(value)
        except (TypeError, ValueError, OverflowError):
            number = np.nan
        if np.isfinite(number):
            return number
        self._malformed(keyword, value, "a number")
        return 0 if default is _REQUIRED else default

    def _malformed(self, keyword: str, value: object, expected: str) -> None:
        problem = f"has an invalid {keyword}"
        self.problems[keyword] = DataError(self.path, problem, expected=expected, got=str(value)[:40])


class _Image:
    """An open file with one grey-scale image or several, which is not cut short."""

    def __init__(self, path: Path, dataset: pydicom.Dataset, syntax: UID):
        self.path = path
        self.dataset = dataset
        self.syntax = syntax
        top = _Elements(path, dataset, {})
        self.rows, self.columns, self.frames = _image_size(top)
        expected = self.frames * self.rows * self.columns * top.number("BitsAllocated", int) // 8
        got = len(dataset.get("PixelData", b""))
        if syntax in _UNCOMPRESSED and got < expected:
            raise DataError(path, "is cut short", "copy the file again", f"{expected:,} bytes of pixels", f"{got:,}")
        self._shared = _flatten(dataset.get("SharedFunctionalGroupsSequence"), 0)

    def elements(self, index: int) -> _Elements:
        """Return the elements of a frame."""
        own = _flatten(self.dataset.get("PerFrameFunctionalGroupsSequence"), index)
        return _Elements(self.path, self.dataset, self._shared | own)


@lru_cache(maxsize=1024)
def _shared(values: tuple[float, ...]) -> tuple[float, ...]:
    """Return an equal tuple that was read before, because the frames of a study repeat most values."""
    return values


def _flatten(groups: Any, index: int) -> dict[str, Any]:
    """Return the elements of an item's functional groups by keyword. Some classic files have an empty item."""
    if not groups or index >= len(groups):
        return {}
    items = (element.value[0] for element in groups[index] if element.VR == "SQ" and len(element.value))
    return {element.keyword: element.value for item in items for element in item if element.VR != "SQ"}


def _open(path: Path) -> _Image:
    with as_data_error(path, "cannot be read"):
        status = os.stat(path)
    return _read_image(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _read_image(path: Path, modified: int, size: int) -> _Image:
    """Read a file; its time and size keep a changed file from being taken from the cache."""
    content = read_bytes(path, _MAX_FILE_SIZE)
    # Read from memory, an element gets the bytes that are there, whatever length it claims.
    file = io.BytesIO(content)
    if not _has_preamble(file.read(132)):
        raise DataError(path, "is not a DICOM file")
    meta = read_dataset(file, False, True, stop_when=lambda tag, representation, length: tag >> 16 != 2)
    syntax = UID(str(meta.get("TransferSyntaxUID", "")))
    if syntax == DeflatedExplicitVRLittleEndian:  # a few bytes may inflate to any number
        raise DataError(path, "is deflated, which is not supported", expected="a data set that is not deflated")
    return _Image(path, pydicom.dcmread(io.BytesIO(content)), syntax)


def _has_preamble(start: bytes) -> bool:
    return start[128:132] == b"DICM"


def _image_size(elements: _Elements) -> tuple[int, int, int]:
    """Return rows, columns and the number of frames."""
    if "Rows" not in elements.dataset and "PixelData" not in elements.dataset:
        raise DataError(elements.path, "holds no image")
    interpretation = elements.text("PhotometricInterpretation", default="MONOCHROME2")
    # A palette image has one sample per pixel too, which is not a brightness.
    if elements.number("SamplesPerPixel", int, default=1) != 1 or not interpretation.startswith("MONOCHROME"):
        raise DataError(elements.path, "is a colour image", expected="one grey value per pixel")
    rows, columns = elements.number("Rows", int), elements.number("Columns", int)
    frames = elements.number("NumberOfFrames", int, default=1)
    if elements.problems:
        raise next(iter(elements.problems.values()))
    if not (0 < rows <= _MAX_SIDE and 0 < columns <= _MAX_SIDE):
        raise DataError(
            elements.path, "has an invalid image size", expected=f"1 to {_MAX_SIDE} pixels", got=f"{rows} x {columns}"
        )
    if not 0 < frames <= _MAX_FRAMES:
        expected = f"1 to {_MAX_FRAMES:,}"
        raise DataError(elements.path, "has an invalid NumberOfFrames", expected=expected, got=f"{frames:,}")
    return rows, columns, frames


def _choose_decoder(image: _Image, index: int) -> str:
    """Return pydicom's name of a decoder.

    Raises:
        DataError: No decoder is installed, or the compressed image claims another size than the header. Decoders
            allocate as many pixels as either of them claims.
    """
    installed = get_decoder(image.syntax).available_plugins
    # Pillow reads JPEG of 8 bits only.
    deep_jpeg = image.syntax == JPEGExtended12Bit and image.dataset.BitsStored > 8
    usable = [name for name in _DECODERS if name in installed and not (deep_jpeg and name == "pillow")]
    if not usable:
        hint = "pip install 'keras-lvseg[codecs]' installs the decoder"
        raise DataError(image.path, f"has a compression that cannot be read: {image.syntax.name}", hint)
    _check_encoded_size(image, index)
    return usable[0]


def _check_encoded_size(image: _Image, index: int) -> None:
    if image.syntax == RLELossless:  # has no size of its own
        return
    encoded = read_encoded_size(get_frame(image.dataset.PixelData, index, number_of_frames=image.frames))
    if encoded != (image.rows, image.columns):
        expected, got = (f"{rows} x {columns} pixels" for rows, columns in ((image.rows, image.columns), encoded))
        raise DataError(image.path, "holds a compressed image of another size", "copy the file again", expected, got)
