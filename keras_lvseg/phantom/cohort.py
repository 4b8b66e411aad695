"""A synthetic beating heart with known volumes, written as real DICOM and contour files.

The tree is that of the Sunnybrook sample, unless another one is asked for:

    dicoms/<patient_id>/<N>.dcm
    contourfiles/<original_id>/i-contours/IM-0001-<NNNN>-icontour-manual.txt
    contourfiles/<original_id>/o-contours/IM-0001-<NNNN>-ocontour-manual.txt
    link.csv
    phantom.json

As the challenge's own tree it has decoys in each patient's folder: series of the same frame numbers that the contours
do not belong to. One has blood dark, one lies a slice further, one is cut along the heart's axis, and one is the true
one taken again in other breaths.

`phantom.json` holds what no real study tells: the volumes. They are known twice, from the whole cavity and
from the slab that the contoured slices cover, which is all that contours can give back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from keras_lvseg.errors import DataError
from keras_lvseg.files import atomic_directory
from keras_lvseg.geometry.polygons import CONTOUR_ORIGIN
from keras_lvseg.phantom.phantom_patient import PHANTOM_VERSION, PhantomPatient, PhantomTruth
from keras_lvseg.phantom.trees import TREES

__all__ = ["PHANTOM_VERSION", "PhantomTruth", "write_phantom"]


def write_phantom(
    folder: str | os.PathLike[str],
    patients: int = 6,
    seed: int = 0,
    frames: Literal["all", "contoured"] = "all",
    on_patient: Callable[[PhantomTruth], None] | None = None,
    tree: Literal["sample", "cardiac-atlas", "challenge"] = "sample",
) -> tuple[PhantomTruth, ...]:
    """Write a cohort of phantoms, all of it or nothing.

    The same seed gives the same bytes, and a patient does not depend on how many others there are. A frame's file is
    the same in every tree.

    Args:
        folder: Where to; new or empty.
        patients: How many.
        seed: Zero or more; another seed gives other patients.
        frames: "all", or "contoured": only the frames that have a contour.
        on_patient: Called after each patient.
        tree: How the files are arranged: as the Sunnybrook sample, as the Cardiac Atlas Project gives the data out,
            or as the challenge did, with four decoys a patient and thus five times the files.

    Returns:
        What is known of each patient.

    Raises:
        DataError: There is something in `folder` already.
        ValueError: An argument is out of its range.
    """
    if patients < 1:
        raise ValueError(f"patients is {patients}; a cohort has one or more")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it has to be zero or more")
    if frames not in ("all", "contoured"):
        raise ValueError(f"frames is {frames!r}; it has to be 'all' or 'contoured'")
    if tree not in TREES:
        raise ValueError(f"tree is {tree!r}; it has to be one of {', '.join(TREES)}")
    truths = []
    try:
        with atomic_directory(folder) as scratch:
            names = []
            for index in range(patients):
                patient = PhantomPatient(index, seed)
                names.append(patient.name)
                truths.append(patient.write(scratch, frames, TREES[tree]))
                if on_patient is not None:
                    on_patient(truths[-1])
            TREES[tree].write_table(scratch, names)
            _write_truths(scratch, truths, seed, frames)
    except OSError as error:
        raise DataError(folder, f"cannot be written ({error.strerror or error})") from None
    return tuple(truths)


def _write_truths(root: Path, truths: list[PhantomTruth], seed: int, frames: str) -> None:
    known = {
        "version": PHANTOM_VERSION,
        "seed": seed,
        "frames": frames,
        "contour_origin": CONTOUR_ORIGIN,
        "patients": [asdict(truth) for truth in truths],
    }
    (root / "phantom.json").write_text(json.dumps(known, indent=2) + "\n", encoding="ascii", newline="\n")
