"""DICOM as this package needs it: one frame's header, and its pixels."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.pixels import pixel_array
from pydicom.uid import RLELossless

from keras_lvseg.errors import DataError
from keras_lvseg.files import open_bytes, read_bytes
from keras_lvseg.io.jpeg_header import read_encoded_size

_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_DEFLATED = "1.2.840.10008.1.2.1.99"
# A file may claim any size: beyond these, it is refused before memory is asked for.
_LARGEST_FILE = 2**28  # bytes
_LARGEST_SIDE = 4096  # pixels
_SIZE = ["SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelData"]
_GREY = ["PhotometricInterpretation", "BitsStored"]


DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
"""Suffixes of DICOM files, in lower case. A DICOM file may also have none."""


@dataclass(frozen=True)
class Header:
    """What a frame's DICOM header says; lengths in mm, times in ms, None where the header is silent."""

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
        return file.read(132)[128:] == b"DICM"


def read_header(path: str | os.PathLike[str]) -> Header:
    """Read the header of one DICOM file, pixels left alone.

    Args:
        path: A DICOM file with one grey-scale image.

    Raises:
        DataError: The file is no DICOM, is cut short, holds several images or colours, or lacks what places it
            in space.
    """
    path = Path(path)
    value, (rows, columns) = _open(path)
    return Header(
        path=path,
        sop_instance_uid=value.uid("SOPInstanceUID"),
        series_instance_uid=value.uid("SeriesInstanceUID"),
        study_instance_uid=value.uid("StudyInstanceUID"),
        frame_of_reference_uid=value.uid("FrameOfReferenceUID", default=""),
        instance_number=value.number("InstanceNumber", int),
        rows=rows,
        columns=columns,
        pixel_spacing=_pixel_spacing(path, value),
        position=value.numbers("ImagePositionPatient", 3),
        orientation=value.numbers("ImageOrientationPatient", 6),
        slice_thickness=value.number("SliceThickness", float, default=None),
        slice_spacing=value.number("SpacingBetweenSlices", float, default=None),
        trigger_time=value.number("TriggerTime", float, default=None),
        nominal_interval=value.number("NominalInterval", float, default=None),
        phases=value.number("CardiacNumberOfImages", int, default=None),
    )


def read_grid(path: str | os.PathLike[str]) -> tuple[tuple[int, int], tuple[float, float]]:
    """Read what an image is by itself, whatever else its header lacks.

    Args:
        path: A DICOM file with one grey-scale image.

    Returns:
        Rows and columns, and the mm between them, nan where the header is silent.

    Raises:
        DataError: The file is no DICOM, is cut short, or holds several images or colours.
    """
    path = Path(path)
    value, shape = _open(path)
    return shape, _pixel_spacing(path, value, default=(np.nan, np.nan))


def read_pixels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the stored values of one DICOM file's image.

    Args:
        path: A DICOM file with one grey-scale image.

    Returns:
        Array of shape (rows, columns) of the type that the file stores; no rescaling is applied. Larger is brighter:
        where the file has it the other way around (MONOCHROME1), the values that it can store are exchanged, the
        smallest for the largest and so on.

    Raises:
        DataError: The pixels cannot be decoded; the line says what to install where that is the cause.
    """
    return decode_pixels(read_content(path), path)


def read_content(path: str | os.PathLike[str]) -> bytes:
    """Read a file's bytes, unless they are far too many for one image; raises DataError as `files.read_bytes` does."""
    return read_bytes(path, _LARGEST_FILE)


def decode_pixels(content: bytes, path: str | os.PathLike[str]) -> np.ndarray:
    """`read_pixels` from a file's bytes; `path` is what an error names."""
    path = Path(path)
    syntax, _ = _read(path, lambda: _transfer_syntax(content))
    if syntax not in _UNCOMPRESSED:
        _check_claims(content, path, syntax)
    # pydicom's own decoder of run lengths: another one that may be there panics on some damaged files, past any except.
    plugin = "pydicom" if syntax == RLELossless else ""
    # pydicom's reader of pixels alone takes two thirds of the time that the whole data set takes.
    pixels = _read(path, lambda: pixel_array(io.BytesIO(content), decoding_plugin=plugin))
    if pixels.ndim != 2:
        raise DataError(path, f"holds pixels of shape {pixels.shape}", "a frame has rows and columns")
    dataset = _read(path, lambda: pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=_GREY))
    value = _Values(path, dataset)
    if value.uid("PhotometricInterpretation", default="") != "MONOCHROME1":
        return pixels
    if pixels.dtype.kind == "i":  # which reaches as far below zero as above it
        return ~pixels
    return (2 ** value.number("BitsStored", int) - 1 - pixels.astype(np.int64)).astype(pixels.dtype)


def _read(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except InvalidDicomError:
        raise DataError(path, "is not a DICOM file") from None
    except Exception as error:  # a malformed file makes pydicom raise whatever its parts raise
        if "missing dependencies" in str(error):
            remedy = "pip install 'keras-lvseg[codecs]' brings what decodes it"
            raise DataError(path, "is compressed in a way that cannot be read here", remedy) from None
        reason = " ".join(str(error).split())[:200]
        raise DataError(path, f"is damaged ({reason})", "the file has to be a whole DICOM file") from None


def _read_to_pixels(content: bytes) -> tuple[pydicom.Dataset, int]:
    """The header, and how many bytes of the file come after it: the pixel element's value."""
    # From memory, where an element that claims any length is given what is there, and no memory is asked for.
    _transfer_syntax(content)
    file = io.BytesIO(content)
    dataset = pydicom.dcmread(file, stop_before_pixels=True)
    element_header = 8 if dataset.original_encoding[0] else 12  # tag, length and, where explicit, the type
    return dataset, max(len(content) - file.tell() - element_header, 0)


def _open(path: Path) -> tuple[_Values, tuple[int, int]]:
    """The header of a file that holds one image and is not cut short; and the image's rows and columns."""
    content = read_content(path)
    dataset, left = _read(path, lambda: _read_to_pixels(content))
    value = _Values(path, dataset)
    rows, columns = _image_size(path, value)
    due = rows * columns * value.number("BitsAllocated", int) // 8
    if dataset.file_meta.get("TransferSyntaxUID") in _UNCOMPRESSED and left < due:
        problem = f"is cut short: {left:,} bytes are left where {due:,} of pixels are due"
        raise DataError(path, problem, "copy the file again")
    return value, (rows, columns)


def _pixel_spacing(path: Path, value: _Values, default: tuple[float, float] | None = None) -> tuple[float, float]:
    spacing = value.numbers("PixelSpacing", 2, default)
    if min(spacing) <= 0:
        raise DataError(path, f"has PixelSpacing {spacing}", "mm above 0 are due")
    return spacing


def _transfer_syntax(content: bytes) -> tuple[str, int]:
    """How the file is encoded, and where its data set begins.

    Deflated ones are refused, for a few bytes of such may unfold to any number.
    """
    file = io.BytesIO(content)
    if file.read(132)[128:] != b"DICM":
        raise InvalidDicomError
    meta = read_dataset(file, False, True, stop_when=lambda tag, representation, length: tag >> 16 != 2)
    syntax = str(meta.get("TransferSyntaxUID", ""))
    if syntax == _DEFLATED:
        raise ValueError("a deflated data set is not read here; store it explicit, little endian")
    return syntax, file.tell()


def _image_size(path: Path, value: _Values) -> tuple[int, int]:
    """Rows and columns of the one image, of one sample a pixel, that a file is to hold."""
    interpretation = value.uid("PhotometricInterpretation", default="MONOCHROME2")
    # A palette has one sample a pixel too, which then is no brightness.
    if value.number("SamplesPerPixel", int, default=1) != 1 or not interpretation.startswith("MONOCHROME"):
        raise DataError(path, "is a colour image", "a frame has one sample a pixel")
    if value.number("NumberOfFrames", int, default=1) != 1:
        raise DataError(path, "holds several frames", "one file holds one frame")
    rows, columns = value.number("Rows", int), value.number("Columns", int)
    if not (0 < rows <= _LARGEST_SIDE and 0 < columns <= _LARGEST_SIDE):
        raise DataError(path, f"claims {rows} x {columns} pixels", f"a side has 1 to {_LARGEST_SIDE}")
    return rows, columns


def _check_claims(content: bytes, path: Path, syntax: str) -> None:
    """Hold a compressed image to its header, because decoders make room for as many pixels as either of them claims."""
    dataset = _read(path, lambda: pydicom.dcmread(io.BytesIO(content), specific_tags=_SIZE))
    size = _image_size(path, _Values(path, dataset))
    if syntax == RLELossless:  # has no size of its own
        return
    coded = _read(path, lambda: read_encoded_size(get_frame(dataset.PixelData, 0, number_of_frames=1)))
    if coded != size:
        problem = f"holds an image of {coded[0]} x {coded[1]} pixels, and its header says {size[0]} x {size[1]}"
        raise DataError(path, problem, "copy the file again")


class _Values:
    """Typed access to a data set's elements, with one clear line for each that is missing or malformed."""

    def __init__(self, path: Path, dataset: pydicom.Dataset):
        self._path = path
        self._dataset = dataset

    def uid(self, keyword: str, default: str | None = None) -> str:
        # Taken raw: pydicom would warn about every UID with a leading zero in a component, which real files
        # of the Sunnybrook data are full of and which hurts nobody.
        element = self._dataset.get_item(keyword)
        raw = getattr(element, "value", None) or b""
        text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)
        text = text.strip("\0 ")
        if not text and default is None:
            raise self._missing(keyword)
        return text or default or ""

    def number(self, keyword: str, kind: type, default: Any = ...) -> Any:
        value = self._get(keyword)
        if value is None or value == "":
            if default is ...:
                raise self._missing(keyword)
            return default
        return self._convert(keyword, value, kind)

    def numbers(self, keyword: str, count: int, default: Any = None) -> Any:
        values = self._get(keyword)
        if values is None or isinstance(values, str | float | int) or len(values) != count:
            if default is None:
                raise self._missing(keyword, f"{count} numbers")
            return default
        return tuple(self._convert(keyword, value, float) for value in values)

    def _get(self, keyword: str) -> Any:
        return _read(self._path, lambda: self._dataset.get(keyword))

    def _convert(self, keyword: str, value: Any, kind: type) -> Any:
        try:
            number = kind(value)
        except (TypeError, ValueError, OverflowError):
            number = np.nan
        if not np.isfinite(number):
            raise DataError(self._path, f"has {keyword} {str(value)[:40]!r}", "a number is due")
        return number

    def _missing(self, keyword: str, what: str = "a value") -> DataError:
        return DataError(self._path, f"has no {keyword}", f"a frame's header gives {what} for it")
