"""Splits by patient: a patient's images stand on one side, always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.errors import DataError
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient

_Patient = TypeVar("_Patient", Patient, PatientFiles)


def patient_split(
    patients: Iterable[Patient | str], validation: float = 0.2, test: float = 0.2, seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """Split patients at random into training, validation and test.

    Args:
        patients: Patients or their names.
        validation: Part of the patients, in [0, 1). A part above 0 gets one patient at least.
        test: The same for the test.
        seed: The same seed and patients give the same split, in whatever order the patients come.

    Returns:
        A mapping from "train", "validation" and "test" to patients' names; a split of no patients is left out.

    Raises:
        ValueError: Too few patients for a split of each kind.

    Example:
        >>> split = patient_split(["a", "b", "c", "d", "e"])
        >>> {name: len(patients) for name, patients in split.items()}
        {'train': 3, 'validation': 1, 'test': 1}
    """
    names = _shuffled(patients, seed)
    sizes = {
        name: max(round(part * len(names)), 1) if part > 0 else 0
        for name, part in (("validation", validation), ("test", test))
    }
    train = len(names) - sum(sizes.values())
    if not (0 <= validation < 1 and 0 <= test < 1) or train < 1:
        received = f"validation={validation}, test={test} of {len(names)} patients"
        raise ValueError(f"validation and test have to leave a patient for training. Received: {received}")
    ends = np.cumsum([train, sizes["validation"], sizes["test"]])
    split, start = {}, 0
    for name, end in zip(("train", "validation", "test"), ends, strict=True):
        if end > start:
            split[name] = tuple(sorted(names[start:end]))
        start = end
    return split


def patient_folds(
    patients: Iterable[Patient | str], folds: int = 5, seed: int = 0
) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Cut patients at random into folds for cross-validation; each patient is tested once.

    Args:
        patients: Patients or their names.
        folds: How many; as many as patients leaves one out each time.
        seed: The same seed and patients give the same folds, in whatever order the patients come.

    Returns:
        For each fold a mapping from "train" and "test" to patients' names.

    Raises:
        ValueError: Fewer than two folds, or fewer patients than folds.

    Example:
        >>> for fold in patient_folds(["a", "b", "c"], folds=3):
        ...     print(len(fold["train"]), len(fold["test"]))
        2 1
        2 1
        2 1
    """
    names = _shuffled(patients, seed)
    if not 2 <= folds <= len(names):
        raise ValueError(f"folds has to be 2 or more, up to one a patient. Received: {folds} of {len(names)} patients")
    tests = [tuple(sorted(names[fold::folds])) for fold in range(folds)]
    return tuple({"train": tuple(sorted(set(names) - set(test))), "test": test} for test in tests)


def by_either_name(patients: Iterable[_Patient]) -> dict[str, _Patient]:
    """Patients by their name among the images, and by that among the contours where it is not another's first name."""
    patients = tuple(patients)
    by_contours = {patient.original_id: patient for patient in patients if patient.original_id}
    return by_contours | {patient.patient_id: patient for patient in patients}


def check_images_apart(splits: Mapping[str, Sequence[Frame]]) -> None:
    """See to it that no image stands in two splits, by its SOPInstanceUID: that is a patient under two names.

    A copy whose headers were written anew is found when pixels are read, by `SAXDataset.as_arrays` and by the audit.

    Args:
        splits: Each split's frames.

    Raises:
        DataError: An image stands in two splits.
    """
    seen: dict[str, tuple[str, Frame]] = {}
    for split, frames in splits.items():
        for frame in frames:
            other_split, other = seen.setdefault(frame.sop_instance_uid, (split, frame))
            if other_split != split and frame.sop_instance_uid:  # records have none
                problem = f"in split {split!r} has the SOPInstanceUID of {other.path} in {other_split!r}"
                raise DataError(frame.path, problem, "a patient under two names belongs in one split; see the audit")


def _shuffled(patients: Iterable[Patient | str], seed: int) -> list[str]:
    names = sorted({patient if isinstance(patient, str) else patient.patient_id for patient in patients})
    return [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
