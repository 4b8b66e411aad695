"""Official splits of the 2009 challenge."""

from __future__ import annotations

from collections.abc import Sequence

from keras_lvseg.data.layouts.discovery import strip_zero_padding
from keras_lvseg.studies.patient import Patient

# Training, validation and online part: Radau P, Lu Y, Connelly K, Paul G, Dick AJ, Wright GA, "Evaluation Framework
# for Algorithms Segmenting Short Axis Cardiac MRI", The MIDAS Journal, 2009.
_GROUPS = {
    "train": {"HF-I": (1, 2, 4, 40), "HF-NI": (3, 4, 34, 36), "HYP": (1, 3, 38, 40), "N": (2, 3, 40)},
    "validation": {"HF-I": (5, 6, 7, 8), "HF-NI": (7, 11, 31, 33), "HYP": (6, 7, 8, 37), "N": (5, 6, 7)},
    "test": {"HF-I": (9, 10, 11, 12), "HF-NI": (12, 13, 14, 15), "HYP": (9, 10, 11, 12), "N": (9, 10, 11)},
}
OFFICIAL_SPLITS: dict[str, tuple[str, ...]] = {
    split: tuple(f"SC-{group}-{number}" for group, numbers in groups.items() for number in numbers)
    for split, groups in _GROUPS.items()
}
"""Patients of the challenge's training, validation and online part, by their names among the contours."""


def official_splits(patients: Sequence[Patient]) -> dict[str, tuple[str, ...]] | None:
    """Return the challenge's split of these patients by `patient_id`, or None if a patient is in none of its lists."""
    parts = {patient.patient_id: official_split(patient.original_id) for patient in patients}
    if None in parts.values():
        return None
    return {split: tuple(name for name, part in parts.items() if part == split) for split in OFFICIAL_SPLITS}


def official_split(original_id: str) -> str | None:
    """Return the challenge's split of a patient, or None. Zero-padded numbers count: SC-HF-I-01 is SC-HF-I-1."""
    name = strip_zero_padding(original_id)
    return next((split for split, names in OFFICIAL_SPLITS.items() if name in names), None)
