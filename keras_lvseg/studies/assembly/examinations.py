"""Frames of one patient and examination, from the identities in their headers and from their folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_lvseg.geometry import slice_normal
from keras_lvseg.io.dicom import Header

_STACK = 3  # slices from which the images of a folder are a stack of their own


def group_examinations(headers: Sequence[Header], patients: Mapping[Path, str]) -> list[list[Header]]:
    """Group frames by patient, then by StudyInstanceUID, else StudyDate, else folder.

    Images without a patient are never grouped across folders. A patient's folders side by side count as one, if not
    more than one of them holds a stack: the Data Science Bowl has a folder per slice.

    Args:
        headers: Frames with known geometry.
        patients: The patient of a file, where it is known from elsewhere. Other files have that of their header.

    Returns:
        The frames of each examination, in the order of their first frame.
    """
    units = _folder_units(headers, patients)
    groups: dict[tuple[str, ...], list[Header]] = defaultdict(list)
    for header in headers:
        patient = patients.get(header.path) or header.patient_id
        folder = header.path.parent
        study = header.study_instance_uid or header.study_date
        key = (patient, study or str(units[patient, folder])) if patient else ("", study, str(folder))
        groups[key].append(header)
    return list(groups.values())


def _folder_units(headers: Sequence[Header], patients: Mapping[Path, str]) -> dict[tuple[str, Path], Path]:
    """Return the folder that stands for the examination, by patient and folder."""
    slices: dict[tuple[str, Path], int] = {}
    by_folder: dict[tuple[str, Path], list[Header]] = defaultdict(list)
    for header in headers:
        by_folder[patients.get(header.path) or header.patient_id, header.path.parent].append(header)
    for place, own in by_folder.items():
        normal = slice_normal(own[0].orientation)
        slices[place] = len({float(np.rint(header.centre @ normal)) for header in own})
    stacks: dict[tuple[str, Path], int] = defaultdict(int)
    for (patient, folder), count in slices.items():
        stacks[patient, folder.parent] += count >= _STACK
    return {
        (patient, folder): folder.parent if stacks[patient, folder.parent] < 2 else folder for patient, folder in slices
    }
