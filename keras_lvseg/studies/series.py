"""Which of a patient's series the contours were drawn on: found, not looked up."""

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

_BAND = 3.0  # mm on either side of the outline: the wall is thicker, and at the apex the cavity hardly so
_CHANCE = 0.01


@dataclass(frozen=True)
class SeriesMatch:
    """How well a patient's contours go with one series.

    Attributes:
        name: The first file's place in the patient's folder, and how many there are.
        headers: The series' frames by InstanceNumber.
        problem: Why the contours cannot have been drawn on it; None where they can.
        fits: `outline_fit` of each endocardial contour; empty where no pixel was read, as when one series is left.
    """

    name: str
    headers: tuple[Header, ...] = field(repr=False)
    problem: str | None
    fits: tuple[float, ...] = ()

    @property
    def fit(self) -> float:
        """The mean of `fits`, nan where there are none."""
        return float(np.mean(self.fits)) if self.fits else float("nan")


def select_contoured_series(files: PatientFiles, headers: Sequence[Header]) -> list[Header]:
    """Find the series that a patient's contours belong to.

    It has every frame number that a contour has, is a stack of parallel slices of several phases, and holds the
    contours inside its images. Where several series do, the pixels decide: contour by contour, blood has to be
    brighter than wall more clearly than in each other series, in a one-sided Wilcoxon signed-rank test on the
    1 % level (and clearly at all: an outline that fits nowhere has fits around zero).

    Args:
        files: What a layout found of the patient.
        headers: Of its images.

    Returns:
        The headers of that series by InstanceNumber; all of them, as they are, where there is but one series.

    Raises:
        DataError: No series will do, or no single one; the line names the candidates and how well each fits.
    """
    if len(split_series(headers)) < 2:
        return list(headers)
    matches = match_series(files, headers)
    folder = _folder(headers)
    left = [match for match in matches if match.problem is None]
    if not left:
        reasons = "; ".join(f"{match.name} {match.problem}" for match in matches)
        due = "what the contours outline" if files.contours else "a short-axis cine study"
        raise DataError(folder, f"holds several series, none of them {due}: {reasons}")
    if len(left) > 1:
        left.sort(key=lambda match: match.fit, reverse=True)
        if not left[0].fits:
            names = ", ".join(match.name for match in left)
            problem = f"holds several series, and no endocardial contour tells which one is meant: {names}"
            raise DataError(folder, problem, "leave one of them in the folder")
        rivals: list[tuple[float, ...]] = [match.fits for match in left[1:]]
        if not all(_fits_better(left[0].fits, fits) for fits in [*rivals, (0.0,) * len(left[0].fits)]):
            fits = ", ".join(f"{match.name} ({match.fit:.2f})" for match in left)
            problem = f"holds several series that the contours may belong to; how well they fit, up to 1: {fits}"
            raise DataError(folder, problem, "leave one of them in the folder")
    return list(left[0].headers)


def split_series(headers: Iterable[Header]) -> list[list[Header]]:
    """Tell frames apart by SeriesInstanceUID; where one stands for several series, by the names of the files.

    Args:
        headers: Frames in any order.

    Returns:
        Each series by InstanceNumber.
    """
    found = []
    for same in _grouped((header.series_instance_uid, header) for header in headers):
        numbers = {header.instance_number for header in same}
        if len(numbers) == len(same):
            found.append(same)
        else:
            found += _grouped((_named_series(header.path), header) for header in same)
    return [sorted(series, key=lambda header: header.instance_number) for series in found]


def match_series(files: PatientFiles, headers: Sequence[Header]) -> tuple[SeriesMatch, ...]:
    """Compare a patient's contours with every series.

    Pixels are read where geometry leaves several series, of the contoured frames alone.

    Args:
        files: What a layout found of the patient.
        headers: Of its images.

    Returns:
        One match for each series, by the first file's name.

    Raises:
        DataError: A contour or an image cannot be read.
    """
    folder = _folder(headers)
    outlines: dict[tuple[int, str], np.ndarray] = {(c.number, c.border): read_contour(c.path) for c in files.contours}
    matches = []
    for series in split_series(headers):
        first = min(header.path for header in series).relative_to(folder)
        name = f"{first} and {len(series) - 1} more"
        matches.append(SeriesMatch(name, tuple(series), _problem(series, outlines)))
    matches.sort(key=lambda match: match.name)
    cavities = {number: points for (number, border), points in sorted(outlines.items()) if border == "endocardium"}
    if sum(match.problem is None for match in matches) < 2:
        return tuple(matches)
    return tuple(
        match if match.problem else SeriesMatch(match.name, match.headers, None, _fits(match.headers, cavities))
        for match in matches
    )


def outline_fit(image: np.ndarray, points: np.ndarray, pixel_spacing: tuple[float, float]) -> float:
    """How much more often than not a pixel inside an outline is brighter than one outside, within 3 mm of it.

    That is Cliff's delta, which knows no unit: neither gain nor offset of the image changes it.

    Args:
        image: Array of shape (rows, columns).
        points: Array of shape (points, 2): the outline, x and y in zero-based pixel centres.
        pixel_spacing: mm between rows and mm between columns.

    Returns:
        From -1 (every pixel inside is darker than every one outside) to 1; 0 where there is nothing to compare.

    Example:
        >>> image = np.zeros((40, 40))
        >>> image[10:30, 10:30] = 5
        >>> square = np.array([[9.5, 9.5], [29.5, 9.5], [29.5, 29.5], [9.5, 29.5]])
        >>> outline_fit(image, square, (1.0, 1.0)), outline_fit(-image, square, (1.0, 1.0))
        (1.0, -1.0)
    """
    mask = polygon_mask(points, image.shape)
    if not mask.any() or mask.all():
        return 0.0
    # Only as much of the image as the band can reach.
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


def pixels_beyond(points: np.ndarray, shape: tuple[int, ...]) -> float:
    """How far an outline leaves an image; half a pixel over the edge is rounding.

    Args:
        points: Array of shape (points, 2): the outline, x and y in zero-based pixel centres.
        shape: The image's rows and columns.

    Returns:
        Pixels past the centres of the outermost ones; 0 where that is one or less.

    Example:
        >>> line = np.array([[3, 3], [20.9, 3]])
        >>> pixels_beyond(line, (10, 21)), round(pixels_beyond(line, (10, 20)), 1)
        (0.0, 1.9)
    """
    beyond = max(-points.min(), *(points.max(axis=0) - (shape[1] - 1, shape[0] - 1)))
    return float(beyond) if beyond > 1 else 0.0


def _named_series(path: Path) -> tuple[Path, str]:
    """The folder, and the NNNN of `IM-NNNN-0059.dcm`."""
    match = re.match(r"IM-(\d+)-\d+\.", path.name, re.IGNORECASE)
    return path.parent, match[1] if match else ""


def _grouped(pairs: Iterable[tuple[Hashable, Header]]) -> list[list[Header]]:
    groups = defaultdict(list)
    for key, header in pairs:
        groups[key].append(header)
    return list(groups.values())


def _folder(headers: Sequence[Header]) -> Path:
    return Path(os.path.commonpath([header.path.parent for header in headers]))


def _problem(series: Sequence[Header], outlines: Mapping[tuple[int, str], np.ndarray]) -> str | None:
    """What speaks against a series before a pixel is read."""
    by_number = {header.instance_number: header for header in series}
    lacking = sorted({number for number, _ in outlines} - set(by_number))
    if lacking:
        return f"lacks frame {lacking[0]}" + (f" and {len(lacking) - 1} more" if lacking[1:] else "")
    number, count = Counter(header.instance_number for header in series).most_common(1)[0]
    if count > 1:
        return f"holds InstanceNumber {number} more than once"
    for (number, _), points in outlines.items():
        if pixels_beyond(points, (by_number[number].rows, by_number[number].columns)):
            return f"is too small for the contour of frame {number}"
    orientation = np.array([header.orientation for header in series])
    if not np.allclose(orientation, orientation[0], atol=1e-3):
        return "is no stack of parallel slices"
    try:
        places, _ = slice_indices(np.array([header.position for header in series]) @ slice_normal(orientation[0]))
    except ValueError:
        return "is no stack of evenly spaced slices"
    slices = len(set(places.tolist()))
    if slices == 1 or slices == len(series):
        return "is one slice" if slices == 1 else "is of one phase"
    return None


def _fits(series: Sequence[Header], outlines: Mapping[int, np.ndarray]) -> tuple[float, ...]:
    by_number = {header.instance_number: header for header in series}
    frames = ((by_number[number], points) for number, points in outlines.items())
    return tuple(outline_fit(read_pixels(header.path), points, header.pixel_spacing) for header, points in frames)


def _fits_better(fits: Sequence[float], others: Sequence[float]) -> bool:
    """Whether the first wins, contour by contour, more often and more clearly than by chance."""
    differences = np.subtract(fits, others)
    differences = differences[differences != 0]  # the same image in both decides nothing
    # All of n contours agree by chance once in 2^n times: few of them cannot decide.
    return len(differences) > 0 and stats.wilcoxon(differences, alternative="greater", method="exact").pvalue < _CHANCE
