"""A small tree of PNG files, written with Pillow."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.conventions.contour_conventions import integers
from keras_lvseg.data import SAXDataset
from keras_lvseg.io import read_contour
from keras_lvseg.io.dicom import read_pixels

FOLDERS = {"endocardium": "i_labels", "epicardium": "o_labels"}


def write_png(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def write_table(root: Path, rows: Sequence[Mapping[str, object]]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with (root / "patients.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_png_tree(
    root: Path, numbers: Sequence[int] = (1, 8, 21, 28), shape: tuple[int, int] = (20, 16), **columns: object
) -> Path:
    """Write patients P1 and P2 with frames of these numbers: a bright disc and its two labels, all different."""
    rows = [{"patient_id": name, "pixel_spacing_mm": 1.5, "slice_spacing_mm": 8, **columns} for name in ("P1", "P2")]
    write_table(root, rows)
    rng = np.random.default_rng(0)
    y, x = np.ogrid[: shape[0], : shape[1]]
    for row in rows:
        for number in numbers:
            away = np.hypot(x - rng.uniform(6.5, 8.5), y - rng.uniform(9, 11))
            name = f"{row['patient_id']}-{number:04}.png"
            pixels = rng.integers(20, 60, shape) + 150 * (away < 3.5)
            write_png(root / "images" / name, pixels.astype(np.uint8))
            write_png(root / "i_labels" / name, 255 * (away < 3.5).astype(np.uint8))
            write_png(root / "o_labels" / name, 255 * (away < 5.5).astype(np.uint8))
    return root


def write_damaged_copy(tree: Path, root: Path) -> Path:
    """Write a tree of DICOM and contours as PNG files whose labels include the outline.

    Contours are rounded to half pixels first, as in the Sunnybrook Cardiac Data.
    """
    dataset = SAXDataset(tree)
    shutil.rmtree(root, ignore_errors=True)
    rows = [
        {
            "patient_id": patient.patient_id,
            "original_id": patient.original_id,
            "pixel_spacing_mm": patient.frames[0].pixel_spacing[0],
            "slice_spacing_mm": patient.slice_spacing,
            "phases": patient.phases,
        }
        for patient in dataset.patients
    ]
    write_table(root, rows)
    for frame in dataset.frames:
        name = f"{frame.original_id}-IM-0001-{frame.instance_number:04}.dcm.png"
        write_png(root / "images" / name, read_pixels(frame.path).astype(np.uint16))
        for border, folder in FOLDERS.items():
            contour = getattr(frame, border)
            if contour is not None:
                points = np.round(2 * read_contour(contour, origin=0.0)) / 2
                write_png(root / folder / name, 255 * integers(points, frame.shape).astype(np.uint8))
    return root
