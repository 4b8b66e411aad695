"""Picture of a synthetic heart in short axis, its parts named, from base to apex, at both phases.

python docs/figures/heart.py docs/figures/heart.png
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from keras_lvseg import SAXDataset
from keras_lvseg.io import read_contour, read_pixels
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies import Frame

_SEED = 0
_WINDOW = 56  # mm either way of the cavity's centre
PHASES = "end-diastole", "end-systole"
# What stands where about the cavity's centre, and what it points at: mm to the right and down.
PARTS = [
    ("left ventricle's\ncavity", (-3, 4), None),
    ("right\nventricle", (-42, 3), None),
    ("lung", (45, 4), None),
    ("liver", (-38, 48), None),
    ("papillary\nmuscle", (44, -15), (18, -7)),
    ("myocardium", (36, 34), (22, 18)),
    ("endocardium", (14, 42), (7, 23)),
    ("epicardium", (30, -42), (16, -28)),
    ("septum", (-33, -44), (-26, -8)),
]
_ENDOCARDIUM, _EPICARDIUM = "#ffb000", "#5ec8ff"


def draw(axes: Axes, frame: Frame, centre: np.ndarray, contours: bool) -> None:
    """Draw a frame around a point, x and y in pixels."""
    image = read_pixels(frame.path)
    axes.imshow(image, cmap="gray", vmin=0, vmax=np.percentile(image, 98.5))
    for path, colour in ((frame.epicardium, _EPICARDIUM), (frame.endocardium, _ENDOCARDIUM)):
        if contours and path is not None:
            points = read_contour(path)
            axes.plot(*np.vstack([points, points[:1]]).T, color=colour, linewidth=1.6)
    half = _WINDOW / frame.pixel_spacing[0]
    axes.set(xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] + half, centre[1] - half), xticks=[], yticks=[])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        write_phantom(Path(scratch) / "heart", patients=1, seed=_SEED)
        patient = SAXDataset(Path(scratch) / "heart").patients[0]
        place = {(frame.slice, frame.phase): frame for frame in patient.frames}
        drawn = [s for s, phase in place if phase == patient.ed_phase and place[s, phase].endocardium]
        middle = place[drawn[len(drawn) // 2], patient.ed_phase]
        centre = read_contour(middle.endocardium).mean(axis=0)

        figure = plt.figure(figsize=(11, 5.3), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.08))
        axes = left.subplots()
        draw(axes, middle, centre, contours=True)
        grid = right.subplots(2, 3)
        for row, phase, name in zip(grid, (patient.ed_phase, patient.es_phase), PHASES, strict=True):
            row[0].set_ylabel(name)
            for axes_, slice_ in zip(row, (drawn[1], drawn[len(drawn) // 2], drawn[-2]), strict=True):
                draw(axes_, place[slice_, phase], centre, contours=False)
        for axes_, name in zip(grid[0], ("base", "middle", "apex"), strict=True):
            axes_.set_title(name, fontsize=11)
        scale = 1 / middle.pixel_spacing[0]
        for text, at, to in PARTS:
            axes.annotate(
                text,
                xy=centre + np.array(to or at) * scale,
                xytext=centre + np.array(at) * scale,
                color="white",
                fontsize=11,
                ha="center",
                va="center",
                path_effects=[withStroke(linewidth=2.5, foreground="#202020")],
                arrowprops={"arrowstyle": "-", "color": "white", "linewidth": 1.1} if to else None,
            )
        axes.set_title("middle slice at end-diastole, with its two outlines", fontsize=11)
        figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
