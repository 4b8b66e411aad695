"""A tree of labelled NIfTI, with the numbers of the ACDC challenge: one file per phase, its label beside it."""

from pathlib import Path

import nibabel
import numpy as np

AFFINE = np.diag([-1.5, 1.25, 8.0, 1.0])  # y runs to the front, so that images are flipped
SHAPE = (40, 36, 4)  # x, y, slice
CAVITY, MYOCARDIUM, RIGHT = 3, 2, 1  # as the ACDC challenge numbers them
VALUES = {"cavity": CAVITY, "myocardium": MYOCARDIUM}


def label_of(radius):
    """Return a label of a ring around a disc in the middle slices, and another disc beside it."""
    x, y = np.ogrid[: SHAPE[0], : SHAPE[1]]
    label = np.zeros(SHAPE, np.uint8)
    for slice_ in (1, 2):
        distance = np.hypot(x - 18 - slice_, y - 16)
        label[..., slice_][distance < radius + 4] = MYOCARDIUM
        label[..., slice_][distance < radius] = CAVITY
        label[..., slice_][np.hypot(x - 33, y - 25) < 4] = RIGHT
    return label


def image_of(label, seed):
    """Return an image: 200 to 260 in the cavity, 100 to 160 in the myocardium."""
    noise = np.random.default_rng(seed).integers(0, 60, label.shape)
    return (noise + 200 * (label == CAVITY) + 100 * (label == MYOCARDIUM) + 150 * (label == RIGHT)).astype(np.int16)


def save(path, values, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.Nifti1Image(values, affine).to_filename(path)
    return path


def write_nifti_tree(root: Path, patients=("patient001", "patient002")) -> Path:
    """Write ED and ES of each patient as the ACDC challenge does, with its whole cine beside them."""
    for seed, patient in enumerate(patients):
        for number, radius in ((1, 9.0 + seed), (12, 6.0)):
            label = label_of(radius)
            save(root / patient / f"{patient}_frame{number:02}.nii.gz", image_of(label, (seed, number)))
            save(root / patient / f"{patient}_frame{number:02}_gt.nii.gz", label)
        save(root / patient / f"{patient}_4d.nii.gz", np.zeros((*SHAPE, 13), np.int16))
        (root / patient / "Info.cfg").write_text("ED: 1\nES: 12\n")
    return root
