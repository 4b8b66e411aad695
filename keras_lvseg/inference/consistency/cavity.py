"""The cavity in one image: size, place and certainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from keras_lvseg.inference.postprocess import decide_classes, log_odds
from keras_lvseg.studies.frame import Frame


@dataclass(frozen=True)
class Cavity:
    """The cavity in one image.

    Attributes:
        area: Area in mm2.
        centroid: Place in the plane of the slices, mm, the same for all images of a study.
        certainty: Mean probability of the cavity inside the mask, from 0.5 to 1.
        evidence: Sum of the log-odds inside the mask times the area of a pixel.
        seed: Row and column of a pixel of the mask.
    """

    area: float
    centroid: tuple[float, float]
    certainty: float
    evidence: float
    seed: tuple[int, int]


def find_cavities(probabilities: np.ndarray, frame: Frame, spacing: tuple[float, float]) -> list[Cavity]:
    """Return the connected components of the cavity in an image, the best one first.

    Args:
        probabilities: Array of shape (classes, rows, columns). Class 0 is the background, 1 the cavity.
        frame: The frame.
        spacing: Its pixel spacing in mm, between rows and between columns.
    """
    labels, count = ndimage.label(decide_classes(probabilities) == 1)
    if not count:
        return []
    pixel = spacing[0] * spacing[1]
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        inside = labels[box] == number
        own = probabilities[(slice(None), *box)].astype(np.float64)
        rows, columns = (where + edge.start for where, edge in zip(np.nonzero(inside), box, strict=True))
        found.append(
            Cavity(
                area=float(len(rows) * pixel),
                centroid=_in_plane(rows.mean(), columns.mean(), frame, spacing),
                certainty=float(own[1][inside].mean()),
                evidence=float(log_odds(own)[inside].sum() * pixel),
                seed=(int(rows[0]), int(columns[0])),
            )
        )
    return sorted(found, key=lambda cavity: -cavity.evidence)


def mask_cavity(mask: np.ndarray, frame: Frame, spacing: tuple[float, float], certainty: float) -> Cavity | None:
    """Return the cavity of a finished mask as one, or None if it is empty.

    Args:
        mask: Class numbers of shape (rows, columns).
        frame: The frame.
        spacing: Its pixel spacing in mm, between rows and between columns.
        certainty: Mean probability inside the cavity.
    """
    rows, columns = np.nonzero(mask == 1)
    if not len(rows):
        return None
    area = len(rows) * spacing[0] * spacing[1]
    place = _in_plane(rows.mean(), columns.mean(), frame, spacing)
    return Cavity(area, place, certainty, area * max(certainty - 0.5, 0.01), (int(rows[0]), int(columns[0])))


def distance(cavity: Cavity, axis: np.ndarray) -> float:
    """Return the distance of a cavity's centroid from the axis in its slice, mm."""
    return float(np.hypot(*(cavity.centroid - axis)))


def pixel_at(place: np.ndarray, frame: Frame, spacing: tuple[float, float]) -> tuple[float, float]:
    """Return row and column of a place in the plane of the slices: the inverse of `Cavity.centroid`.

    Args:
        place: The place, mm.
        frame: The frame.
        spacing: Its pixel spacing in mm, between rows and between columns.
    """
    x0, y0 = _in_plane(0.0, 0.0, frame, spacing)
    return (float(place[1]) - y0) / spacing[0], (float(place[0]) - x0) / spacing[1]


def _in_plane(row: float, column: float, frame: Frame, spacing: tuple[float, float]) -> tuple[float, float]:
    """Return a row and column as mm along rows and columns, in the scanner's coordinates if they are known."""
    x, y = column * spacing[1], row * spacing[0]
    if np.isfinite([*frame.position, *frame.orientation]).all():
        along_row, along_column = np.reshape(frame.orientation, (2, 3))
        x, y = x + float(along_row @ frame.position), y + float(along_column @ frame.position)
    return x, y
