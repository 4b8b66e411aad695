"""Cohorts of phantoms, with their known volumes in `phantom.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from keras_lvseg.errors import as_data_error, invalid_argument
from keras_lvseg.files import atomic_directory
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.phantom.phantom_patient import PHANTOM_VERSION, PhantomPatient, PhantomTruth
from keras_lvseg.phantom.trees import TREES


def write_phantom(
    folder: str | os.PathLike[str],
    *,
    patients: int = 6,
    seed: int = 0,
    frames: Literal["all", "contoured"] = "all",
    tree: Literal["sample", "cardiac-atlas", "challenge"] = "sample",
    on_patient: Callable[[PhantomTruth], None] | None = None,
) -> tuple[PhantomTruth, ...]:
    """Write a cohort of phantoms as DICOM and contour files, atomically.

    The same seed gives the same bytes. A patient does not depend on the number of patients. A frame's file is the same
    in every tree. The default tree is that of the Sunnybrook sample:

        dicoms/<patient_id>/<N>.dcm
        contourfiles/<original_id>/i-contours/IM-0001-<NNNN>-icontour-manual.txt
        contourfiles/<original_id>/o-contours/IM-0001-<NNNN>-ocontour-manual.txt
        link.csv
        phantom.json

    `phantom.json` holds the volumes, which are unknown for real studies: of the whole cavity, and of the slab that the
    contoured slices cover. Contours can restore only the latter.

    Args:
        folder: The folder to write, new or empty.
        patients: Number of patients, 1 or more.
        seed: 0 or more. Another seed gives other patients.
        frames: "all", or "contoured" for only the frames with a contour.
        tree: Layout of the files: "sample" as the Sunnybrook sample, "cardiac-atlas" as the Cardiac Atlas Project
            distributes the data, "challenge" as the 2009 challenge did. The latter adds four decoy series per patient,
            with the frame numbers of the contoured series: black-blood, one slice further, along the heart's long
            axis, and the contoured series repeated in other breaths. So it has five times the files.
        on_patient: Called after each patient.

    Returns:
        The known values of each patient.

    Raises:
        DataError: The folder is not empty, or cannot be written.
        ValueError: An argument is out of its range.

    Example:
        >>> import tempfile
        >>> (truth,) = write_phantom(tempfile.mkdtemp(), patients=1, frames="contoured")
        >>> truth.patient_id, truth.kind, round(truth.edv_ml), round(truth.esv_ml)
        ('PHANTOM0001', 'healthy', 139, 43)
    """
    if patients < 1:
        raise invalid_argument("patients", patients, "1 or more")
    if seed < 0:
        raise invalid_argument("seed", seed, "0 or more")
    if frames not in ("all", "contoured"):
        raise invalid_argument("frames", frames, "'all' or 'contoured'")
    if tree not in TREES:
        raise invalid_argument("tree", tree, " or ".join(map(repr, TREES)))
    truths = []
    try:
        with atomic_directory(folder) as temporary:
            names = []
            for index in range(patients):
                patient = PhantomPatient(index, seed)
                names.append(patient.name)
                truths.append(patient.write(temporary, frames, TREES[tree]))
                if on_patient is not None:
                    on_patient(truths[-1])
            TREES[tree].write_table(temporary, names)
            _write_truths(temporary, truths, seed, frames)
    except OSError:  # only these; errors of `on_patient` pass
        with as_data_error(folder, "cannot be written"):
            raise
    return tuple(truths)


def _write_truths(root: Path, truths: list[PhantomTruth], seed: int, frames: str) -> None:
    values = {
        "version": PHANTOM_VERSION,
        "seed": seed,
        "frames": frames,
        "contour_origin": CONTOUR_ORIGIN,
        "patients": [asdict(truth) for truth in truths],
    }
    (root / "phantom.json").write_text(json.dumps(values, indent=2) + "\n", encoding="ascii", newline="\n")
