"""Cost of other conventions for filling contours: areas, Dice, volumes and ejection fractions.

    python -m benchmarks.conventions.contour_conventions DATA docs/validation/contour_conventions.md

DATA is a folder with real patients. A picture with the table's name is left beside it.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from skimage.draw import line, polygon, polygon2mask

from benchmarks.table import write_table
from keras_lvseg.data import SAXDataset
from keras_lvseg.evaluation import dice
from keras_lvseg.geometry import (
    CONTOUR_ORIGIN,
    ejection_fraction,
    mask_contours,
    polygon_area,
    polygon_mask,
    stack_volume,
)
from keras_lvseg.io import read_contour, read_pixels
from keras_lvseg.studies import Frame, Patient

MARGIN = 5  # pixels around what the picture shows
OUTLINE_COLOUR, MASK_COLOUR = "#ffb000", "#2fd15b"

TEXT = """\
# Contours to masks: what a convention costs

A contour file of the Sunnybrook Cardiac Data holds points in pixels and does not say where their origin is, nor which
of the pixels on the outline belong to the cavity. Whoever fills it decides both, knowingly or not.

![The same contour by four conventions]({picture})

*One contour (orange) and the masks (green) that come of it. The image is of the Sunnybrook Cardiac Data (Radau et al.,
The MIDAS Journal 2009, CC0).*

All {count} contours of {patients}, by which pixels are taken and by what is added to x and y
to get zero-based pixel centres (moved by). Area errors are of the mask against the polygon: mean, mean of absolute
values, largest. Dice is to the masks of keras-lvseg: mean, lowest. Volumes are summed areas, their errors against the
same sums of polygons, patient by patient.

| pixels taken | moved by | area error, % | absolute | largest | Dice | lowest | EDV error, % | EF error, points |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

**The origin** hardly changes an area, but moves every mask. {origin} fits the edges in the images best
(`keras_lvseg.geometry.CONTOUR_ORIGIN` says how that was measured), 0 is what most code assumes, and -1 is the
challenge's own: its MATLAB code hands the numbers to `poly2mask`, which counts from one. Trained on masks of one
origin and scored on those of another, a perfect network has the Dice of this table.

**The pixels taken** change areas, those of small cavities most, so that volumes grow and ejection fractions shift.
Points lie on multiples of half a pixel, so that outlines run through many pixels' very centres, and scikit-image takes
all of those in. keras-lvseg takes the pixels that are more than half covered, and shares out those covered by exactly a
half.

**Masks back to contours**: `mask_contours` follows the pixels' edges, and `join_contours` makes one outline of several
parts and holes, as the challenge's text format holds but one. Read and filled it gives the mask again, pixel by pixel.

The last row's masks are made with scikit-image; OpenCV is not needed.
"""

Shape = tuple[int, int]
Fill = Callable[[np.ndarray, Shape], np.ndarray]


def centres(points: np.ndarray, shape: Shape) -> np.ndarray:
    """Return the pixels whose centres are inside."""
    return polygon2mask(shape, points[:, ::-1])


def integers(points: np.ndarray, shape: Shape) -> np.ndarray:
    """Truncate the coordinates, fill inside and contour. The masks equal those of OpenCV's fillPoly."""
    whole = points.astype(int)
    mask = np.zeros(shape, dtype=bool)
    mask[polygon(whole[:, 1], whole[:, 0], shape)] = True
    for (x0, y0), (x1, y1) in zip(whole, np.roll(whole, -1, axis=0), strict=True):
        mask[line(y0, x0, y1, x1)] = True
    return mask


@dataclass(frozen=True)
class Convention:
    """A convention: the origin added to x and y of a contour file, and the function that fills the contour."""

    name: str
    origin: float
    fill: Fill

    def mask(self, contour: Path, shape: Shape) -> np.ndarray:
        """Return the mask of a contour file."""
        return self.fill(read_contour(contour, origin=self.origin), shape)


CONVENTIONS = (
    Convention("more than half covered (keras-lvseg)", CONTOUR_ORIGIN, polygon_mask),
    Convention("more than half covered", -1.0, polygon_mask),
    Convention("more than half covered", 0.0, polygon_mask),
    Convention("centre inside (`polygon2mask` of scikit-image)", -1.0, centres),
    Convention("centre inside (`polygon2mask` of scikit-image)", 0.0, centres),
    Convention("cut to integers, filled with the outline (`fillPoly` of OpenCV)", 0.0, integers),
)
SHOWN = (0, 1, 2, 5)  # in the picture


def contours_of(frames: Sequence[Frame]) -> list[tuple[Frame, Path]]:
    return [(frame, path) for frame in frames for path in (frame.endocardium, frame.epicardium) if path]


def area_error(mask: np.ndarray, contour: Path) -> float:
    """Return the difference of the mask's area to the polygon's, in percent."""
    return 100 * (float(mask.sum()) / polygon_area(read_contour(contour)) - 1)


def volumes(patient: Patient, area_of: Callable[[Path, Shape], float]) -> tuple[float, float]:
    """Return end-diastolic volume in mL and ejection fraction in percent, with areas in pixels by `area_of`."""
    assert patient.slice_spacing is not None, f"{patient.patient_id} has one slice"
    edv, esv = (
        stack_volume(
            [area_of(f.endocardium, f.shape) * f.pixel_area for f in patient.frames if f.endocardium and f.phase == p],
            patient.slice_spacing,
        )
        for p in (patient.ed_phase, patient.es_phase)
    )
    return edv, ejection_fraction(edv, esv)


def row(convention: Convention, patients: Sequence[Patient]) -> str:
    contours = contours_of([frame for patient in patients for frame in patient.frames])
    masks = [convention.mask(path, frame.shape) for frame, path in contours]
    errors = np.array([area_error(mask, path) for mask, (_, path) in zip(masks, contours, strict=True)])
    ours = [CONVENTIONS[0].mask(path, frame.shape) for frame, path in contours]
    dices = [dice(mask, own) for mask, own in zip(masks, ours, strict=True)]
    edv_errors, ef_errors = [], []
    for patient in patients:
        true_edv, true_ef = volumes(patient, lambda path, _: polygon_area(read_contour(path)))
        edv, ef = volumes(patient, lambda path, shape: float(convention.mask(path, shape).sum()))
        edv_errors.append(_signed(100 * (edv / true_edv - 1)))
        ef_errors.append(_signed(ef - true_ef))
    cells = [
        convention.name,
        f"{convention.origin:g}",
        _signed(errors.mean(), 2),
        f"{np.abs(errors).mean():.2f}",
        _signed(errors[np.abs(errors).argmax()]),
        f"{np.mean(dices):.3f}",
        f"{min(dices):.3f}",
        ", ".join(edv_errors),
        ", ".join(ef_errors),
    ]
    return f"| {' | '.join(cells)} |"


def _signed(value: float, decimals: int = 1) -> str:
    return f"{round(value, decimals) or 0.0:+.{decimals}f}"  # no -0.0


def draw(patient: Patient, picture: Path) -> None:
    """Draw the patient's smallest cavity by the conventions of `SHOWN`."""
    frame, contour = min(
        ((frame, frame.endocardium) for frame in patient.frames if frame.endocardium),
        key=lambda pair: polygon_area(read_contour(pair[1])),
    )
    figure = Figure(figsize=(12, 3.0), layout=ConstrainedLayoutEngine(w_pad=0.06))
    for axes, i in zip(figure.subplots(1, len(SHOWN)), SHOWN, strict=True):
        _draw_panel(axes, frame, contour, CONVENTIONS[i])
    figure.savefig(picture, dpi=110)


def _draw_panel(axes: Axes, frame: Frame, contour: Path, convention: Convention) -> None:
    image, mask = read_pixels(frame.path), convention.mask(contour, frame.shape)
    low, high = np.percentile(image, (1, 99.5))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    for border in mask_contours(mask):
        axes.fill(*border.T, facecolor=f"{MASK_COLOUR}38", edgecolor=MASK_COLOUR, linewidth=1.2)
    points = read_contour(contour, origin=convention.origin)
    if convention.fill is integers:
        points = points.astype(int)
    axes.plot(*np.vstack([points, points[:1]]).T, color=OUTLINE_COLOUR, linewidth=1.4)
    window = read_contour(contour, origin=0.0)
    (left, top), (right, bottom) = window.min(axis=0) - MARGIN, window.max(axis=0) + MARGIN
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    how = "cut to integers, outline filled" if convention.fill is integers else "more than half covered"
    ours = CONVENTIONS[0].mask(contour, frame.shape)
    beside = "keras-lvseg" if convention is CONVENTIONS[0] else f"Dice {dice(mask, ours):.3f} to keras-lvseg"
    moved = f"moved by {convention.origin:g}" if convention.origin else "not moved"
    axes.set_title(f"{how}, {moved}\narea {_signed(area_error(mask, contour))} %, {beside}", fontsize=9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    picture = arguments.table.with_suffix(".png")
    patients = SAXDataset(arguments.data).patients
    draw(patients[0], picture)
    text = TEXT.format(
        picture=picture.name,
        count=len(contours_of([frame for patient in patients for frame in patient.frames])),
        patients=", ".join(patient.patient_id for patient in patients),
        rows="\n".join(row(convention, patients) for convention in CONVENTIONS),
        origin=CONTOUR_ORIGIN,
    )
    command = f"python -m benchmarks.conventions.contour_conventions DATA {arguments.table}"
    write_table(arguments.table, [text.rstrip()], command, ("numpy", "scikit-image"))


if __name__ == "__main__":
    main()
