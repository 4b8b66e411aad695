"""Plot of areas in slices that add up to a volume, for a synthetic heart of known volume.

    python docs/figures/millilitres.py docs/figures/millilitres.png

The heart is synthetic.
"""

import argparse
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from keras_lvseg import SAXDataset
from keras_lvseg.geometry import polygon_area
from keras_lvseg.io import read_contour
from keras_lvseg.phantom import write_phantom

_ED, _ES = "#ffb000", "#d7301f"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", type=Path, help="the PNG to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        (truth,) = write_phantom(Path(scratch) / "heart", patients=1, seed=1, frames="contoured")
        (patient,) = SAXDataset(Path(scratch) / "heart").patients
        figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), width_ratios=(1, 1.4), layout="constrained")
        moments = (("end-diastole", patient.ed_phase, _ED), ("end-systole", patient.es_phase, _ES))
        for name, phase, colour in moments:
            frames = [frame for frame in patient.frames if frame.phase == phase and frame.endocardium]
            places = np.array([frame.slice for frame in frames]) * patient.slice_spacing
            contours = [read_contour(frame.endocardium) for frame in frames]
            areas = [polygon_area(points) * frames[0].pixel_area for points in contours]
            right.barh(places, areas, height=0.92 * patient.slice_spacing, color=colour, alpha=0.75, label=name)
            for points in contours:
                loop = np.vstack([points, points[:1]]) * frames[0].pixel_spacing[0]
                left.plot(*loop.T, color=colour, linewidth=1.3)
        left.set(aspect="equal", title="the endocardial contours of all slices", xticks=[], yticks=[])
        left.invert_yaxis()
        left.set_xlabel(f"{patient.edv_ml:.0f} mL - {patient.esv_ml:.0f} mL: {patient.ejection_fraction:.0f} % ejected")
        known = f"known: {truth.slab_edv_ml:.0f} and {truth.slab_esv_ml:.0f} mL in these slices"
        right.set(xlabel="area inside the contour, mm²", ylabel="mm from the first slice, base to apex", title=known)
        right.invert_yaxis()
        right.legend(frameon=False, loc="lower right")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        left.spines[:].set_visible(False)
        figure.savefig(arguments.figure, dpi=120)


if __name__ == "__main__":
    main()
