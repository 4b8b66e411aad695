"""Effect of `labels_include_outline` on label images, beside the contours that they were drawn from.

    python -m benchmarks.conventions.repaired_labels PNG DICOM docs/validation/repaired_labels.md

PNG is a folder of images and labels, DICOM one with contours of some of the same frames. An image with the table's
name is written beside the table.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.table import write_table
from keras_lvseg.data import SAXDataset
from keras_lvseg.evaluation import dice
from keras_lvseg.geometry import polygon_area, polygon_mask
from keras_lvseg.studies import Frame, Patient, read_frame_contour, read_image

BORDERS = ("endocardium", "epicardium")
HOW = ("as given", "repaired")
MARGIN = 4  # pixels around what the picture shows
COLOURS = {"contour": "#ffb000", "as given": "#4da3ff", "repaired": "#2fd15b"}

TEXT = """\
# Labels drawn too large, and repaired

A public copy of the Sunnybrook Cardiac Data keeps contours as pictures. They were made by casting the contours'
coordinates to integers and filling them, the outline's own pixels included, so that they are too large by half a pixel
all around, and lie where the cast took them. `SAXDataset(..., labels_include_outline=True)` traces the line through the
centres
of each label's boundary pixels, which is what was drawn, moves it by what the cast took off on average and by
`contour_origin`, and fills it on whatever grid is asked for.

![Contour, label as given and label repaired, of a small, a middling and a large cavity]({picture})

*Contours (orange), labels as given (blue) and repaired (green). The images are of the Sunnybrook Cardiac Data (Radau et
al., The MIDAS Journal 2009, CC0).*

All {count} labels of {patients}, whose contours are at hand as text.
Dice is to the contour's mask; the area is the outline's, as a part of the contour's; the shift is the distance between
their centres of area, x and y, in pixels. On average, and in brackets the worst.

| border | label | Dice | area | shift in x | shift in y |
| --- | --- | --- | --- | --- | --- |
{rows}

Patient by patient, the error of volumes that are summed from the labels, against those from the contours:

| label | EDV, % | ESV, % | ejection fraction, points |
| --- | --- | --- | --- |
{volumes}

What is left of the error in area is the cast's: it makes a smooth line jagged, and a label keeps its outermost pixels.

A network that was perfect by the repaired labels would have a mean Dice of {between:.3f} by the labels as given, over
all {labels} labels of the cavity.
"""


class Pair(NamedTuple):
    """The same frame in both folders: as PNG, and as DICOM with contours."""

    picture: Frame
    contour: Frame


def pairs_of(pictures: Iterable[Frame], contours: Iterable[Frame]) -> list[Pair]:
    places = {(frame.patient_id, frame.slice, frame.phase): frame for frame in contours}
    both = ((frame, places.get((frame.patient_id, frame.slice, frame.phase))) for frame in pictures)
    return [Pair(picture, contour) for picture, contour in both if contour is not None]


def drawn(pairs: Sequence[Pair], border: str) -> list[tuple[np.ndarray, np.ndarray, tuple[int, int]]]:
    """Return the label's contour, the file's contour and the image's shape, of pairs with both."""
    return [
        (read_frame_contour(picture, border), read_frame_contour(contour, border), picture.shape)
        for picture, contour in pairs
        if getattr(picture, border) and getattr(contour, border)
    ]


def contour_dice(one: np.ndarray, other: np.ndarray, shape: tuple[int, int]) -> float:
    """Return the Dice of the masks of two contours."""
    return dice(polygon_mask(one, shape), polygon_mask(other, shape))


def centre(points: np.ndarray) -> np.ndarray:
    """Return x and y of the centre of area of a contour."""
    x, y = (points - points[0]).T
    cross = x * np.roll(y, -1) - y * np.roll(x, -1)
    return points[0] + np.stack([x + np.roll(x, -1), y + np.roll(y, -1)]) @ cross / (3 * cross.sum())


def row(border: str, how: str, outlines: Sequence[tuple[np.ndarray, np.ndarray, tuple[int, int]]]) -> str:
    dices = np.array([contour_dice(*outline) for outline in outlines])
    areas = np.array([polygon_area(own) / polygon_area(true) for own, true, _ in outlines])
    shifts = np.array([centre(own) - centre(true) for own, true, _ in outlines])
    cells = [f"{border} ({len(outlines)})", how, f"{dices.mean():.3f} ({dices.min():.3f})"]
    cells.append(f"{areas.mean():.3f} ({areas[np.abs(areas - 1).argmax()]:.3f})")
    cells += [f"{signed(shift.mean())} ({signed(shift[np.abs(shift).argmax()])})" for shift in shifts.T]
    return f"| {' | '.join(cells)} |"


def signed(value: float) -> str:
    return f"{round(value, 2) or 0.0:+.2f}"  # no -0.00


def volumes(how: str, patients: Sequence[Patient], true: Sequence[Patient]) -> str:
    own = {patient.patient_id: patient for patient in patients}
    both = [(own[patient.patient_id], patient) for patient in true]
    cells = [
        ", ".join(f"{100 * (getattr(a, name) / getattr(b, name) - 1):+.1f}" for a, b in both)
        for name in ("edv_ml", "esv_ml")
    ]
    cells.append(", ".join(f"{a.ejection_fraction - b.ejection_fraction:+.1f}" for a, b in both))
    return f"| {how} | {' | '.join(cells)} |"


def draw(given: Sequence[Pair], repaired: Sequence[Pair], picture: Path) -> None:
    """Draw the smallest, the median and the largest cavity."""
    both = [(a, b) for a, b in zip(given, repaired, strict=True) if a.contour.endocardium]
    both.sort(key=lambda pairs: polygon_area(read_frame_contour(pairs[0].contour, "endocardium")))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    for axes, (own, mended) in zip(figure.subplots(1, 3), (both[0], both[len(both) // 2], both[-1]), strict=True):
        draw_panel(axes, own, mended)
    figure.savefig(picture, dpi=110)


def draw_panel(axes: Axes, given: Pair, repaired: Pair) -> None:
    contour = read_frame_contour(given.contour, "endocardium")
    outlines = {
        "as given": read_frame_contour(given.picture, "endocardium"),
        "repaired": read_frame_contour(repaired.picture, "endocardium"),
    }
    image = read_image(given.contour)
    axes.imshow(image, cmap="gray", vmax=np.percentile(image, 99.5))
    for how, points in outlines.items():
        axes.fill(*points.T, facecolor="none", edgecolor=COLOURS[how], linewidth=1.6)
    axes.fill(*contour.T, facecolor="none", edgecolor=COLOURS["contour"], linewidth=1.2)
    (left, top), (right, bottom) = contour.min(axis=0) - MARGIN, contour.max(axis=0) + MARGIN
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_axis_off()
    dices = ", ".join(f"{how} {contour_dice(points, contour, image.shape):.3f}" for how, points in outlines.items())
    axes.set_title(f"{given.picture.patient_id}, frame {given.picture.instance_number}\nDice {dices}", fontsize=9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("contours", type=Path)
    parser.add_argument("table", type=Path, help="the Markdown file to write")
    arguments = parser.parse_args()
    contours = SAXDataset(arguments.contours)
    datasets = {how: SAXDataset(arguments.pictures, labels_include_outline=how == "repaired") for how in HOW}
    pairs = {how: pairs_of(dataset.frames, contours.frames) for how, dataset in datasets.items()}
    outlines = {(border, how): drawn(pairs[how], border) for border in BORDERS for how in HOW}
    ours = pairs_of(datasets["as given"].frames, datasets["repaired"].frames)
    between = [contour_dice(*outline) for outline in drawn(ours, "endocardium")]
    picture = arguments.table.with_suffix(".png")
    draw(pairs["as given"], pairs["repaired"], picture)
    text = TEXT.format(
        picture=picture.name,
        count=sum(len(outlines[border, "repaired"]) for border in BORDERS),
        patients=", ".join(patient.patient_id for patient in contours.patients),
        rows="\n".join(row(border, how, found) for (border, how), found in outlines.items()),
        volumes="\n".join(volumes(how, datasets[how].patients, contours.patients) for how in HOW),
        between=np.mean(between),
        labels=len(between),
    )
    command = f"python -m benchmarks.conventions.repaired_labels PNG DICOM {arguments.table}"
    write_table(arguments.table, [text.rstrip()], command, ("numpy", "scikit-image"))


if __name__ == "__main__":
    main()
