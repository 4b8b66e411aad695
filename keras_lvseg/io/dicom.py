"""DICOM files with one grey-scale image: header and pixels."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.filereader import read_dataset
from pydicom.pixels import get_decoder, pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from keras_lvseg.errors import DataError, as_data_error
from keras_lvseg.files import open_bytes, read_bytes
from keras_lvseg.io.jpeg_header import read_encoded_size

DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
"""Suffixes of DICOM files, in lower case. A DICOM file may also have none."""

_UNCOMPRESSED = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
# A file may claim any size. Larger ones are refused before memory is allocated.
_MAX_FILE_SIZE = 2**28  # bytes
_MAX_SIDE = 4096  # pixels
_REQUIRED: Any = object()


@dataclass(frozen=True)
class Header:
    """The header of a DICOM file with one frame. Optional values that the file lacks are None.

    Attributes:
        path: The file.
        sop_instance_uid: Identity of the image.
        series_instance_uid: Identity of its series.
        study_instance_uid: Identity of its study.
        frame_of_reference_uid: Identity of the coordinate system of `position`; may be empty.
        instance_number: Number of the image in its series.
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
    """

    path: Path
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    instance_number: int
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
    """Read the header of a DICOM file.

    Args:
        path: A DICOM file with one grey-scale image.

    Raises:
        DataError: The file is not DICOM, is cut short, holds several frames or colours, or lacks an identity, the
            position, the orientation or the pixel spacing.

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
        elements, (rows, columns) = _read_image(path)
        return Header(
            path=path,
            sop_instance_uid=elements.text("SOPInstanceUID"),
            series_instance_uid=elements.text("SeriesInstanceUID"),
            study_instance_uid=elements.text("StudyInstanceUID"),
            frame_of_reference_uid=elements.text("FrameOfReferenceUID", default=""),
            instance_number=elements.number("InstanceNumber", int),
            rows=rows,
            columns=columns,
            pixel_spacing=elements.pixel_spacing(),
            position=elements.numbers("ImagePositionPatient", 3),
            orientation=elements.numbers("ImageOrientationPatient", 6),
            slice_thickness=elements.number("SliceThickness", float, default=None),
            slice_spacing=elements.number("SpacingBetweenSlices", float, default=None),
            trigger_time=elements.number("TriggerTime", float, default=None),
            nominal_interval=elements.number("NominalInterval", float, default=None),
            phases=elements.number("CardiacNumberOfImages", int, default=None),
        )


def read_size_and_spacing(path: str | os.PathLike[str]) -> tuple[tuple[int, int], tuple[float, float]]:
    """Read image size and pixel spacing only.

    Args:
        path: A DICOM file with one grey-scale image. The rest of its header may be incomplete.

    Returns:
        Rows and columns; distance between rows and between columns in mm, nan if unknown.

    Raises:
        DataError: The file is not DICOM, is cut short, or holds several frames or colours.
    """
    path = Path(path)
    with _parsing(path):
        elements, size = _read_image(path)
        return size, elements.pixel_spacing(default=(np.nan, np.nan))


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the stored values of the image in a DICOM file.

    Args:
        path: A DICOM file with one grey-scale image.

    Returns:
        Array of shape (rows, columns) of the file's type, without rescaling. Larger values are brighter: MONOCHROME1
        is inverted within the range of the stored bits.

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
        elements, size = _read_image(path)
        syntax = elements.transfer_syntax
        if syntax not in _UNCOMPRESSED:
            _check_decodable(elements, size)
        # Other decoders of run lengths may abort the process on damaged files.
        pixels = pixel_array(elements.dataset, decoding_plugin="pydicom" if syntax == RLELossless else "")
        if elements.text("PhotometricInterpretation", default="") != "MONOCHROME1":
            return pixels
        if pixels.dtype.kind == "i":  # the range is symmetric about -0.5
            return ~pixels
        return 2 ** elements.number("BitsStored", int) - 1 - pixels


@contextmanager
def _parsing(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes pydicom raise into a `DataError`, and hide pydicom's warnings.

    Real files cause warnings that change nothing, for example about zeros that lead a component of a UID.
    """
    with warnings.catch_warnings(), as_data_error(path, "is damaged", expected="a whole DICOM file"):
        warnings.filterwarnings("ignore", module="pydicom")
        yield


class _Elements:
    """Typed access to a data set. A missing or malformed element raises a `DataError`."""

    def __init__(self, path: Path, dataset: pydicom.Dataset, transfer_syntax: str):
        self.path = path
        self.dataset = dataset
        self.transfer_syntax = transfer_syntax

    def text(self, keyword: str, default: str = _REQUIRED) -> str:
        text = str(self.dataset.get(keyword) or "").strip("\0 ")
        return text or self._default(keyword, default)

    def number(self, keyword: str, kind: type, default: Any = _REQUIRED) -> Any:
        value = self.dataset.get(keyword)
        return self._default(keyword, default) if value is None or value == "" else self._convert(keyword, value, kind)

    def numbers(self, keyword: str, count: int, default: Any = _REQUIRED) -> Any:
        values = self.dataset.get(keyword)
        if values is None or isinstance(values, str | float | int) or len(values) != count:
            return self._default(keyword, default, f"{count} numbers")
        return tuple(self._convert(keyword, value, float) for value in values)

    def pixel_spacing(self, default: tuple[float, float] = _REQUIRED) -> tuple[float, float]:
        spacing = self.numbers("PixelSpacing", 2, default)
        if min(spacing) <= 0:
            raise self._malformed("PixelSpacing", spacing, "2 numbers above 0, in mm")
        return spacing

    def _default(self, keyword: str, default: Any, expected: str | None = None) -> Any:
        if default is _REQUIRED:
            raise DataError(self.path, f"has no {keyword}", expected=expected)
        return default

    def _convert(self, keyword: str, value: Any, kind: type) -> Any:
        try:
            number = kind(value)
        except (TypeError, ValueError, OverflowError):
            number = np.nan
        if not np.isfinite(number):
            raise self._malformed(keyword, value, "a number")
        return number

    def _malformed(self, keyword: str, value: object, expected: str) -> DataError:
        return DataError(self.path, f"has an invalid {keyword}", expected=expected, got=str(value)[:40])


def _read_image(path: Path) -> tuple[_Elements, tuple[int, int]]:
    """Return the elements, rows and columns of a file with one image that is not cut short."""
    content = read_bytes(path, _MAX_FILE_SIZE)
    # Read from memory, an element gets the bytes that are there, whatever length it claims.
    file = io.BytesIO(content)
    if not _has_preamble(file.read(132)):
        raise DataError(path, "is not a DICOM file")
    meta = read_dataset(file, False, True, stop_when=lambda tag, representation, length: tag >> 16 != 2)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == DeflatedExplicitVRLittleEndian:  # a few bytes may inflate to any number
        raise DataError(path, "is deflated", expected="a data set that is not deflated")
    elements = _Elements(path, pydicom.dcmread(io.BytesIO(content)), syntax)
    rows, columns = _image_size(elements)
    expected, got = (
        rows * columns * elements.number("BitsAllocated", int) // 8,
        len(elements.dataset.get("PixelData", b"")),
    )
    if syntax in _UNCOMPRESSED and got < expected:
        raise DataError(path, "is cut short", "copy the file again", f"{expected:,} bytes of pixels", f"{got:,}")
    return elements, (rows, columns)


def _has_preamble(start: bytes) -> bool:
    return start[128:132] == b"DICM"


def _image_size(elements: _Elements) -> tuple[int, int]:
    interpretation = elements.text("PhotometricInterpretation", default="MONOCHROME2")
    # A palette image has one sample per pixel too, which is not a brightness.
    if elements.number("SamplesPerPixel", int, default=1) != 1 or not interpretation.startswith("MONOCHROME"):
        raise DataError(elements.path, "is a colour image", expected="one grey value per pixel")
    if elements.number("NumberOfFrames", int, default=1) != 1:
        raise DataError(elements.path, "holds several frames", expected="one frame per file")
    rows, columns = elements.number("Rows", int), elements.number("Columns", int)
    if not (0 < rows <= _MAX_SIDE and 0 < columns <= _MAX_SIDE):
        raise DataError(
            elements.path, "has an invalid image size", expected=f"1 to {_MAX_SIDE} pixels", got=f"{rows} x {columns}"
        )
    return rows, columns


def _check_decodable(elements: _Elements, size: tuple[int, int]) -> None:
    """Raise if no decoder is installed, or if the compressed image claims another size than the header.

    Decoders allocate as many pixels as either of them claims.
    """
    if not get_decoder(elements.transfer_syntax).is_available:
        hint = "pip install 'keras-lvseg[codecs]' installs the decoder"
        raise DataError(elements.path, "has a compression that cannot be read", hint)
    if elements.transfer_syntax == RLELossless:  # has no size of its own
        return
    encoded = read_encoded_size(get_frame(elements.dataset.PixelData, 0, number_of_frames=1))
    if encoded != size:
        expected, got = (f"{rows} x {columns} pixels" for rows, columns in (size, encoded))
        raise DataError(elements.path, "holds a compressed image of another size", "copy the file again", expected, got)
