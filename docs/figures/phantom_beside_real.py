"""Real slices above synthetic ones, each windowed by its own percentiles.

    python docs/figures/phantom_beside_real.py DATA docs/figures/phantom_beside_real.png

DATA is a folder with real patients. The slices are those of end-diastole and end-systole at half height.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_lvseg.data import SAXDataset
from keras_lvseg.io import read_contour, read_pixels
from keras_lvseg.phantom import write_phantom
from keras_lvseg.studies import Frame, Patient

PATIENTS = 3


def middle_frames(patient: Patient) -> list[Frame]:
    """Return the contoured frames at half height, one per phase."""
    labelled = [frame for frame in patient.frames if frame.endocardium]
    by_phase = [[f for f in labelled if f.phase == phase] for phase in (patient.ed_phase, patient.es_phase)]
    return [frames[len(frames) // 2] for frames in by_phase]


def draw(axes: Axes, frame: Frame, phase: str) -> None:
    image = read_pixels(frame.path)
    low, high = np.percentile(image, (1, 99.5))
    axes.imshow(image, cmap="gray", vmin=low, vmax=high)
    contour = read_contour(frame.endocardium)
    axes.plot(*np.vstack([contour, contour[:1]]).T, color="#2fd15b", linewidth=0.8)
    axes.set_axis_off()
    axes.set_title(f"{frame.patient_id}, {phase}", fontsize=8, pad=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_phantom(Path(folder) / "phantom", patients=PATIENTS, seed=0, frames="contoured")
        figure = Figure(figsize=(12, 4.3), layout="constrained")
        for row, data in zip(figure.subplots(2, 2 * PATIENTS), (arguments.data, Path(folder) / "phantom"), strict=True):
            frames = [frame for patient in SAXDataset(data).patients[:PATIENTS] for frame in middle_frames(patient)]
            for i, (axes, frame) in enumerate(zip(row, frames, strict=True)):
                draw(axes, frame, ("end-diastole", "end-systole")[i % 2])
        figure.savefig(arguments.picture, dpi=110)


if __name__ == "__main__":
    main()
