"""Selection of the series that a patient's contours were drawn on."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage, stats

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import polygon_mask, slice_indices, slice_normal
from keras_lvseg.io import read_contour
from keras_lvseg.io.dicom import Header, read_pixels
from keras_lvseg.studies.patient_files import PatientFiles

_BAND = 3.0  # mm on either side of the contour; the wall is thicker, the apical cavity hardly
_SIGNIFICANCE = 0.01


@dataclass(frozen=True)
class SeriesMatch:
    """How well a patient's contours fit one series.

    Attributes:
        name: The first file, as a path in the patient's folder, and the number of further files.
        headers: The frames of the series by InstanceNumber.
        problem: Why the contours cannot belong to the series, or None.
        fits: `contour_fit` of each endocardial contour. Empty if no pixels were read.
    """

    name: str
    headers: tuple[Header, ...] = field(repr=False)
    problem: str | None
    fits: tuple[float, ...] = ()

    @property
    def mean_fit(self) -> float:
        """The mean of `fits`, nan if there are none."""
        return float(np.mean(self.fits)) if self.fits else float("nan")


def select_contoured_series(files: PatientFiles, headers: Sequence[Header]) -> list[Header]:
    """Select the series that a patient's contours were drawn on.

    The series has a frame for each contour, is a stack of parallel slices of several phases, and its images contain
    the contours. If several series qualify, the pixels decide: over the contours, the contrast of blood against wall
    must be higher than in each other series, and higher than zero. The test is Wilcoxon's signed-rank test,
    one-sided, at the 1 % level.

    Args:
        files: The patient's files.
        headers: The headers of its images.

    Returns:
        The headers of that series by InstanceNumber. If there is only one series, all headers in the given order.

    Raises:
        DataError: No series qualifies, or several do. The message names the candidates and how well each fits.
    """
    if len(split_series(headers)) < 2:
        return list(headers)
    matches = match_contours(files, headers)
    folder = _folder(headers)
    left = [match for match in matches if match.problem is None]
    if not left:
        reasons = "; ".join(f"{match.name} {match.problem}" for match in matches)
        expected = "one that fits the contours" if files.contours else "a short-axis cine study"
        raise DataError(folder, "holds several series, none of them usable", expected=expected, got=reasons)
    if len(left) > 1:
        left.sort(key=lambda match: match.mean_fit, reverse=True)
        if not left[0].fits:
            names = ", ".join(match.name for match in left)
            problem = "holds several series, and no endocardial contour to choose by"
            raise DataError(folder, problem, "keep one of them in the folder", got=names)
        rivals: list[tuple[float, ...]] = [match.fits for match in left[1:]]
        if not all(_fits_better(left[0].fits, fits) for fits in [*rivals, (0.0,) * len(left[0].fits)]):
            fits = ", ".join(f"{match.name} ({match.mean_fit:.2f})" for match in left)
            problem = f"holds several series that may belong to the contours; their fits, 1 is best: {fits}"
            raise DataError(folder, problem, "keep one of them in the folder")
    return list(left[0].headers)


def split_series(headers: Iterable[Header]) -> list[list[Header]]:
    """Split headers by series. If a series repeats InstanceNumbers, split it by folder and file name too.

    A series is known by its SeriesInstanceUID and its SeriesNumber, because some files have only one of them.

    Args:
        headers: Headers in any order.

    Returns:
        The headers of each series by InstanceNumber.
    """
    found = []
    for same in _grouped(((header.series_instance_uid, header.series_number), header) for header in headers):
        numbers = {header.instance_number for header in same}
        if len(numbers) == len(same):
            found.append(same)
        else:
            found += _grouped((_named_series(header.path), header) for header in same)
    return [sorted(series, key=lambda header: header.instance_number) for series in found]


def match_contours(files: PatientFiles, headers: Sequence[Header]) -> tuple[SeriesMatch, ...]:
    """Compare a patient's contours with each series.

    Pixels are read only if geometry leaves several series, and only of contoured frames.

    Args:
        files: The patient's files.
        headers: The headers of its images.

    Returns:
        One match per series, by the name of the first file.

    Raises:
        DataError: A contour or an image cannot be read.
    """
    folder = _folder(headers)
    contours: dict[tuple[int, str], np.ndarray] = {(c.number, c.border): read_contour(c.path) for c in files.contours}
    matches = []
    for series in split_series(headers):
        first = min(header.path for header in series).relative_to(folder)
        name = f"{first} and {len(series) - 1} more"
        matches.append(SeriesMatch(name, tuple(series), _mismatch(series, contours)))
    matches.sort(key=lambda match: match.name)
    cavities = {number: points for (number, border), points in sorted(contours.items()) if border == "endocardium"}
    if sum(match.problem is None for match in matches) < 2:
        return tuple(matches)
    return tuple(
        match if match.problem else SeriesMatch(match.name, match.headers, None, _fits(match.headers, cavities))
        for match in matches
    )


def contour_fit(image: np.ndarray, points: np.ndarray, pixel_spacing: tuple[float, float]) -> float:
    """Return how much brighter the pixels just inside a contour are than those just outside, within 3 mm of it.

    The measure is Cliff's delta: the share of pairs (inside, outside) whose inner pixel is brighter, minus the share
    whose inner pixel is darker. It does not depend on gain and offset of the image.

    Args:
        image: Array of shape (rows, columns).
        points: Array of shape (points, 2): the contour's x and y in zero-based pixel centres.
        pixel_spacing: Distance between rows and between columns, mm.

    Returns:
        -1 (all pixels inside are darker) to 1 (all are brighter); 0 if either side has no pixels.

    Example:
        >>> image = np.zeros((40, 40))
        >>> image[10:30, 10:30] = 5
        >>> square = np.array([[9.5, 9.5], [29.5, 9.5], [29.5, 29.5], [9.5, 29.5]])
        >>> contour_fit(image, square, (1.0, 1.0)), contour_fit(-image, square, (1.0, 1.0))
        (1.0, -1.0)
    """
    mask = polygon_mask(points, image.shape)
    if not mask.any() or mask.all():
        return 0.0
    # Crop the image to the reach of the band.
    margin = int(np.ceil(_BAND / min(pixel_spacing))) + 1
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = tuple(slice(max(i[0] - margin, 0), i[-1] + margin + 1) for i in (rows, columns))
    image, mask = image[window], mask[window]
    inside, outside = (
        image[part & (ndimage.distance_transform_edt(part, sampling=pixel_spacing) <= _BAND)] for part in (mask, ~mask)
    )
    if not len(inside) or not len(outside):
        return 0.0
    brighter = stats.mannwhitneyu(inside, outside, method="asymptotic").statistic
    return float(2 * brighter / (len(inside) * len(outside)) - 1)


def pixels_outside_image(points: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return how far a contour leaves an image.

    Args:
        points: Array of shape (points, 2): the contour's x and y in zero-based pixel centres.
        shape: Rows and columns of the image.

    Returns:
        Distance in pixels from the centres of the outermost pixels; 0 if it is 1 or less, which is rounding.

    Example:
        >>> line = np.array([[3, 3], [20.9, 3]])
        >>> pixels_outside_image(line, (10, 21)), round(pixels_outside_image(line, (10, 20)), 1)
        (0.0, 1.9)
    """
    beyond = max(-points.min(), *(points.max(axis=0) - (shape[1] - 1, shape[0] - 1)))
    return float(beyond) if beyond > 1 else 0.0


def _named_series(path: Path) -> tuple[Path, str]:
    """Return the folder, and the NNNN of `IM-NNNN-0059.dcm`."""
    match = re.match(r"IM-(\d+)-\d+\.", path.name, re.IGNORECASE)
    return path.parent, match[1] if match else ""


def _grouped(pairs: Iterable[tuple[Hashable, Header]]) -> list[list[Header]]:
    groups = defaultdict(list)
    for key, header in pairs:
        groups[key].append(header)
    return list(groups.values())


def _folder(headers: Sequence[Header]) -> Path:
    return Path(os.path.commonpath([header.path.parent for header in headers]))


def _mismatch(series: Sequence[Header], contours: Mapping[tuple[int, str], np.ndarray]) -> str | None:
    """Return why the contours cannot belong to a series by its headers, or None."""
    by_number = {header.instance_number: header for header in series}
    lacking = sorted({number for number, _ in contours} - set(by_number))
    if lacking:
        return f"lacks frame {lacking[0]}" + (f" and {len(lacking) - 1} more" if lacking[1:] else "")
    number, count = Counter(header.instance_number for header in series).most_common(1)[0]
    if count > 1:
        return f"holds InstanceNumber {number} more than once"
    for (number, _), points in contours.items():
        if pixels_outside_image(points, (by_number[number].rows, by_number[number].columns)):
            return f"is too small for the contour of frame {number}"
    orientation = np.array([header.orientation for header in series])
    if not np.allclose(orientation, orientation[0], atol=1e-3):
        return "is not a stack of parallel slices"
    places, _ = slice_indices(np.array([header.centre for header in series]) @ slice_normal(orientation[0]))
    slices = len(set(places.tolist()))
    if slices == 1 or slices == len(series):
        return "is one slice" if slices == 1 else "is of one phase"
    return None


def _fits(series: Sequence[Header], contours: Mapping[int, np.ndarray]) -> tuple[float, ...]:
    by_number = {header.instance_number: header for header in series}
    frames = ((by_number[number], points) for number, points in contours.items())
    return tuple(contour_fit(read_pixels(header.path), points, header.pixel_spacing) for header, points in frames)


def _fits_better(fits: Sequence[float], others: Sequence[float]) -> bool:
    """Return whether the first fits are higher than the others by the signed-rank test."""
    differences = np.subtract(fits, others)
    differences = differences[differences != 0]  # the same image in both series
    # n contours agree by chance with probability 2^-n, so that few contours cannot decide.
    if not len(differences):
        return False
    return stats.wilcoxon(differences, alternative="greater", method="exact").pvalue < _SIGNIFICANCE
