"""NIfTI files: images turned the way scanners write them, and labels in the order of the file.

An array is x, y, slice and, in four dimensions, phase. The columns of an image run along x, its rows along y. Programs
that convert DICOM flip y or x. The affine shows it: a short-axis image is written as seen from the apex, so another one
is flipped back, and an image whose axes both run to the patient's right, front or head is turned by half a turn.
"""

from __future__ import annotations

import gzip
import io
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_lvseg.errors import DataError, as_data_error, invalid_argument
from keras_lvseg.files import atomic_file, read_bytes
from keras_lvseg.geometry.planes import LONG_AXIS, slice_normal

_SUFFIXES = (".nii", ".nii.gz")
_LABEL_ENDING = "_gt"
_ONE_PHASE = re.compile(r"(.+)_frame(\d{1,4})", re.IGNORECASE)
_MAX_BYTES = 2**31  # decompressed
_MAX_COUNT = 1000  # slices or phases; far more than any study has
_MAX_SIDE = 4096  # pixels
_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's axes against NIfTI's
_FILES_LOCK = Lock()


def is_nifti(path: Path) -> bool:
    """Return whether a file is NIfTI by its suffix."""
    return path.name.lower().endswith(_SUFFIXES)


def nifti_stem(path: Path) -> str:
    """Return the name of a NIfTI file without `.nii` or `.nii.gz`.

    Example:
        >>> nifti_stem(Path("a/patient001_frame01.nii.gz"))
        'patient001_frame01'
    """
    suffix = next(suffix for suffix in reversed(_SUFFIXES) if path.name.lower().endswith(suffix))
    return path.name[: -len(suffix)]


def label_stem(path: Path) -> str | None:
    """Return the name of the image that a NIfTI file is the label of, None if its name is not that of a label.

    Example:
        >>> label_stem(Path("patient001_frame01_gt.nii")), label_stem(Path("patient001_frame01.nii"))
        ('patient001_frame01', None)
    """
    stem = nifti_stem(path)
    return stem[: -len(_LABEL_ENDING)] if stem.lower().endswith(_LABEL_ENDING) else None


def patient_and_phase(path: Path) -> tuple[str, int] | None:
    """Return the patient and the number of the phase in a name `<patient>_frame<NN>`, None for another name.

    Example:
        >>> patient_and_phase(Path("patient001_frame01.nii")), patient_and_phase(Path("sax.nii"))
        (('patient001', 1), None)
    """
    match = _ONE_PHASE.fullmatch(nifti_stem(path))
    return (match[1], int(match[2])) if match else None


@dataclass(frozen=True)
class NiftiHeader:
    """Geometry of the images in a NIfTI file, as they are turned.

    Attributes:
        path: The file.
        rows: Image height in pixels.
        columns: Image width in pixels.
        slices: Number of slices.
        phases: Number of phases; 1 in a file of three dimensions.
        pixel_spacing: Distance between rows and between columns, mm.
        orientation: Direction cosines along a row, then along a column, in DICOM's patient coordinates.
        positions: Centre of the first pixel of each slice in the same coordinates, mm.
        slice_spacing: Distance between slice centres along the normal, mm.
        affine: From voxel indices of the file to mm, right-anterior-superior, as in the file.
        flips: Axes of (rows, columns) along which the file's order is reversed.
    """

    path: Path
    rows: int
    columns: int
    slices: int
    phases: int
    pixel_spacing: tuple[float, float]
    orientation: tuple[float, float, float, float, float, float]
    positions: tuple[tuple[float, float, float], ...]
    slice_spacing: float
    affine: np.ndarray = field(compare=False)
    flips: tuple[int, ...]

    @property
    def from_base(self) -> bool:
        """Whether the file's slices run from base to apex. True if the file has no affine."""
        return bool(np.subtract(self.positions[-1], self.positions[0]) @ LONG_AXIS >= 0)

    def same_grid(self, other: NiftiHeader) -> bool:
        """Return whether two files have the same pixels and slices, to 0.1 mm."""
        if (self.rows, self.columns, self.slices) != (other.rows, other.columns, other.slices):
            return False
        return all(
            np.allclose(own, others, atol=0.1)
            for own, others in (
                (self.positions, other.positions),
                (np.multiply(self.orientation, 100), np.multiply(other.orientation, 100)),
                (self.pixel_spacing, other.pixel_spacing),
            )
        )

    def number(self, slice_: int, phase: int) -> int:
        """Return the number of an image in the file, from 1."""
        return phase * self.slices + slice_ + 1


def read_nifti_header(path: str | os.PathLike[str]) -> NiftiHeader:
    """Read the geometry of a NIfTI file.

    Args:
        path: A `.nii` or `.nii.gz` of two to four dimensions: x, y, slice, phase.

    Raises:
        DataError: The file is damaged, too large, of colours, or of other dimensions, or its affine is singular.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "heart.nii.gz"
        >>> write_nifti_stack(path, np.zeros((40, 30, 5, 2), np.uint8), np.diag([-1.5, -1.25, 8, 1]))
        >>> header = read_nifti_header(path)
        >>> (header.rows, header.columns, header.slices, header.phases), header.pixel_spacing
        ((30, 40, 5, 2), (1.25, 1.5))
    """
    return _open(path).header


def read_nifti_pixels(path: str | os.PathLike[str], number: int) -> np.ndarray:
    """Read one image. The two files that were read last stay in memory.

    Args:
        path: See `read_nifti_header`.
        number: Number of the image in the file, from 1: phase * slices + slice + 1.

    Returns:
        Array of shape (rows, columns), scaled by the slope and intercept that the file may have. Values that are not
        finite are 0.

    Raises:
        DataError: See `read_nifti_header`; or there is no such image.
    """
    file = _open(path)
    header = file.header
    if not 0 < number <= header.slices * header.phases:
        raise DataError(path, f"has no image {number}", expected=f"1 to {header.slices * header.phases}")
    phase, slice_ = divmod(number - 1, header.slices)
    pixels = np.flip(np.asarray(file.stored[:, :, slice_, phase]).T, header.flips)
    pixels = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    if (file.slope, file.intercept) != (1.0, 0.0):
        pixels = pixels * file.slope + file.intercept
    return np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0) if pixels.dtype.kind == "f" else pixels


def write_nifti_labels(path: str | os.PathLike[str], labels: Mapping[int, np.ndarray], *, like: Path) -> None:
    """Write labels of the images of a NIfTI file, in the shape, order and affine of that file, atomically.

    Args:
        path: The file to write, `.nii` or `.nii.gz`.
        labels: Labels from 0 to 255 by the number of the image, arrays as `read_nifti_pixels` returns them. Images
            without labels are 0.
        like: The file of the images.

    Raises:
        DataError: See `read_nifti_header`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> write_nifti_stack(folder / "heart.nii.gz", np.ones((40, 30, 5, 2), np.uint8), np.diag([1.5, 1.5, 8, 1]))
        >>> mask = np.zeros((30, 40), np.uint8)
        >>> mask[10:20, 5:9] = 1
        >>> write_nifti_labels(folder / "mask.nii.gz", {3: mask}, like=folder / "heart.nii.gz")
        >>> bool((read_nifti_pixels(folder / "mask.nii.gz", 3) == mask).all())
        True
    """
    file = _open(like)
    header = file.header
    volume = np.zeros(file.stored.shape, np.uint8)
    for number, image in labels.items():
        phase, slice_ = divmod(number - 1, header.slices)
        volume[:, :, slice_, phase] = np.flip(np.asarray(image), header.flips).T
    _write(path, volume.reshape(file.shape, order="F"), header.affine)


def write_nifti_stack(path: str | os.PathLike[str], labels: np.ndarray, affine: ArrayLike) -> None:
    """Write a stack of labels, atomically.

    Args:
        path: The file to write, `.nii` or `.nii.gz`.
        labels: Labels from 0 to 255, array of shape (columns, rows, slices) or (columns, rows, slices, phases).
        affine: From voxel indices to mm, right-anterior-superior, shape (4, 4); see
            `keras_lvseg.studies.Study.affine`.
    """
    _write(path, np.asarray(labels, np.uint8), np.asarray(affine, dtype=float))


def _write(path: str | os.PathLike[str], volume: np.ndarray, affine: np.ndarray) -> None:
    import nibabel

    path = Path(path)
    if not is_nifti(path):
        raise invalid_argument("path", str(path), "a name that ends in .nii or .nii.gz")
    image = nibabel.Nifti1Image(volume, affine)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    if path.suffix.lower() == ".gz":
        content = gzip.compress(content, mtime=0)  # the same labels give the same bytes
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)


@dataclass(frozen=True, eq=False)
class _File:
    """An open file: its header, its shape, and what it stores as x, y, slice, phase."""

    header: NiftiHeader
    shape: tuple[int, ...]
    stored: np.ndarray
    slope: float
    intercept: float


def _open(path: str | os.PathLike[str]) -> _File:
    with as_data_error(path, "cannot be read"):
        status = os.stat(path)
    with _FILES_LOCK:  # threads that read neighbouring images would each decompress the file
        return _read(os.fspath(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)  # an image and its label
def _read(path: str, modified: int, size: int) -> _File:
    """Read a file; its time and size keep a changed file from being taken from the cache."""
    # Imported here, because most users have no NIfTI files, and nibabel takes a while to import.
    import nibabel

    content = read_bytes(path, _MAX_BYTES)
    with (
        _without_messages(nibabel.imageglobals.logger),
        as_data_error(path, "is damaged", expected="a whole NIfTI file"),
    ):
        if path.lower().endswith(".gz"):
            # Decompressed as a whole, because the checksum at the end is not read otherwise.
            content = gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MAX_BYTES + 1)
            if len(content) > _MAX_BYTES:
                raise DataError(path, "is too large", expected=f"at most {_MAX_BYTES:,} bytes")
        second = 540 in (int.from_bytes(content[:4], order) for order in ("little", "big"))
        image: Any = (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_bytes(content)
        shape = tuple(int(n) for n in image.shape)
        full = _full_shape(path, shape, image.get_data_dtype())
        header = _header(path, image, full)
        stored = np.asanyarray(image.dataobj.get_unscaled()).reshape(full, order="F")
        slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    return _File(header, shape, stored, slope, intercept)


@contextmanager
def _without_messages(logger: logging.Logger) -> Iterator[None]:
    """Drop a logger's messages. nibabel logs what it mends in a header, and without a handler Python prints that."""

    def drop(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


def _full_shape(path: str, shape: tuple[int, ...], dtype: np.dtype) -> tuple[int, int, int, int]:
    """Return x, y, slices and phases. Raise if the array is none of an image stack, or too large."""
    if dtype.kind not in "iuf":
        raise DataError(path, "is a colour image", expected="one grey value per pixel")
    if len(shape) < 2 or any(n != 1 for n in shape[4:]):
        got = " x ".join(map(str, shape))
        raise DataError(path, "has other dimensions", expected="x, y, slice and phase", got=got)
    x, y, slices, phases = (*shape[:4], 1, 1)[:4]
    sides, counts = min(x, y) > 0 and max(x, y) <= _MAX_SIDE, min(slices, phases) > 0
    if not (sides and counts and max(slices, phases) <= _MAX_COUNT):
        expected = f"up to {_MAX_SIDE} pixels and {_MAX_COUNT:,} slices and phases"
        raise DataError(path, "has an invalid size", expected=expected, got=" x ".join(map(str, shape)))
    if (size := x * y * slices * phases * dtype.itemsize) > _MAX_BYTES:
        raise DataError(path, "is too large", expected=f"at most {_MAX_BYTES:,} bytes", got=f"{size:,}")
    return x, y, slices, phases


def _header(path: str, image: Any, shape: tuple[int, int, int, int]) -> NiftiHeader:
    columns, rows, slices, phases = shape
    affine = np.array(image.affine, dtype=float)
    known = image.header["sform_code"] > 0 or image.header["qform_code"] > 0
    lps = _LPS_FROM_RAS @ affine if known else np.diag([*_zooms(image), 1.0]) * (1, 1, -1, 1)
    lps = np.diag([*[_MM[image.header.get_xyzt_units()[0]]] * 3, 1.0]) @ lps
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    if not (np.isfinite(lps).all() and (steps > 0).all()):
        raise DataError(path, "has an invalid affine", expected="three axes of more than 0 mm")
    along_row, along_column = (lps[:3, :2] / steps[:2]).T
    flips = _flips(along_row, along_column) if known else ()
    first = (columns - 1 if 1 in flips else 0, rows - 1 if 0 in flips else 0)
    x0, x1, x2 = (along_row * (-1 if 1 in flips else 1)).tolist()
    y0, y1, y2 = (along_column * (-1 if 0 in flips else 1)).tolist()
    with as_data_error(path, "has an invalid affine"):
        normal = slice_normal((x0, x1, x2, y0, y1, y2))
    positions = (lps[:3] @ (*first, slice_, 1.0) for slice_ in range(slices))
    return NiftiHeader(
        path=Path(path),
        rows=rows,
        columns=columns,
        slices=slices,
        phases=phases,
        pixel_spacing=(float(steps[1]), float(steps[0])),
        orientation=(x0, x1, x2, y0, y1, y2),
        positions=tuple((float(x), float(y), float(z)) for x, y, z in positions),
        slice_spacing=float(abs(lps[:3, 2] @ normal)),
        affine=affine,
        flips=flips,
    )


def _flips(along_row: np.ndarray, along_column: np.ndarray) -> tuple[int, ...]:
    """Return the axes of (rows, columns) to reverse, from the directions of x and y in DICOM's coordinates."""
    mirrored = np.cross(along_row, along_column) @ LONG_AXIS > 0  # as seen from the base
    signs = np.array([-1 if mirrored else 1, 1])
    reversed_ = [_main_component(own * sign) < 0 for own, sign in zip((along_column, along_row), signs, strict=True)]
    if all(reversed_):
        signs *= -1
    return tuple(axis for axis in (0, 1) if signs[axis] < 0)


def _main_component(direction: np.ndarray) -> float:
    """Return the largest component of a direction to the left, the back or the feet."""
    components = direction * (1, 1, -1)
    return float(components[np.argmax(np.abs(components))])


def _zooms(image: Any) -> list[float]:
    """Return the size of a voxel along x, y and slice."""
    zooms = [abs(float(zoom)) for zoom in image.header.get_zooms()[:3]]
    return [*zooms, 1.0][:3]
