"""Splits by patient: all images of a patient are in one split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from keras_lvseg.data.official_splits import official_splits
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient

_MIN_PATIENTS_FOR_VALIDATION = 10  # with fewer, each patient is worth more as a training example


def choose_splits(
    patients: Sequence[Patient], *, test: Sequence[str] = (), validation: Sequence[str] = (), seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """Split patients as asked for, else by the challenge's lists, else at random.

    The challenge's lists decide if each of its three parts has a patient. A random split takes a fifth of the patients
    for the test, and another fifth for validation if there are ten or more.

    Args:
        patients: The patients.
        test: Patients to keep for the test, by either name.
        validation: Patients to validate on during training, by either name.
        seed: Seed of the random split.

    Returns:
        A mapping from a split's name to patients.

    Raises:
        ValueError: A named patient is unknown, or no patient is left for training.

    Example:
        >>> import functools, tempfile
        >>> from keras_lvseg import SAXDataset
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=2, seed=0, frames="contoured")
        >>> splits = functools.partial(choose_splits, test=["PHANTOM0002"])
        >>> sorted(SAXDataset(folder, splits=splits).info["splits"])
        ['test', 'train']
    """
    names = tuple(patient.patient_id for patient in patients)
    if not test and not validation:
        official = official_splits(patients)
        if official is not None and all(official.values()):
            return official
        if len(names) < 2:
            raise invalid_argument("patients", names, "two or more, one to train on and one to test on")
        return patient_split(
            names, validation=0.2 if len(names) >= _MIN_PATIENTS_FOR_VALIDATION else 0.0, test=0.2, seed=seed
        )
    known = {name: patient.patient_id for name, patient in by_either_name(patients).items()}
    for argument, chosen in (("test", test), ("validation", validation)):
        if not known.keys() >= set(chosen):
            raise invalid_argument(argument, list(chosen), f"patients among {', '.join(names)}")
    held_out = {"validation": tuple(known[name] for name in validation), "test": tuple(known[name] for name in test)}
    train = tuple(name for name in names if name not in {*held_out["validation"], *held_out["test"]})
    if not train:
        raise invalid_argument("test", list(test), f"a patient left for training, of {', '.join(names)}")
    return {"train": train, **{split: members for split, members in held_out.items() if members}}


def patient_split(
    patients: Iterable[Patient | str], *, validation: float = 0.2, test: float = 0.2, seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """Split patients at random into training, validation and test.

    Args:
        patients: Patients or their names.
        validation: Fraction of the patients, in [0, 1). A fraction above 0 gives one patient at least.
        test: The same for the test.
        seed: The same seed and patients give the same split, whatever the patients' order.

    Returns:
        A mapping from "train", "validation" and "test" to patients' names, without empty splits.

    Raises:
        ValueError: No patient is left for training, or a fraction is outside [0, 1).

    Example:
        >>> split = patient_split(["a", "b", "c", "d", "e"])
        >>> {name: len(patients) for name, patients in split.items()}
        {'train': 3, 'validation': 1, 'test': 1}
    """
    for argument, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise invalid_argument(argument, fraction, "a fraction in [0, 1)")
    names = _shuffled(patients, seed)
    sizes = [max(round(fraction * len(names)), 1) if fraction > 0 else 0 for fraction in (validation, test)]
    train = len(names) - sum(sizes)
    if train < 1:
        raise invalid_argument("patients", sorted(names), f"more than {sum(sizes)}, one of them for training")
    split, start = {}, 0
    for name, size in zip(("train", "validation", "test"), (train, *sizes), strict=True):
        if size:
            split[name] = tuple(sorted(names[start : start + size]))
        start += size
    return split


def patient_folds(
    patients: Iterable[Patient | str], folds: int = 5, *, seed: int = 0
) -> tuple[dict[str, tuple[str, ...]], ...]:
    """Cut patients at random into folds for cross-validation. Each patient is tested once.

    Args:
        patients: Patients or their names.
        folds: Number of folds. As many as patients leaves one patient out each time.
        seed: The same seed and patients give the same folds, whatever the patients' order.

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
        raise invalid_argument("folds", folds, f"2 to {len(names)}, the number of patients")
    tests = [tuple(sorted(names[fold::folds])) for fold in range(folds)]
    return tuple({"train": tuple(sorted(set(names) - set(test))), "test": test} for test in tests)


def by_either_name(patients: Iterable[Patient]) -> dict[str, Patient]:
    """Map both names of each patient to the patient. A `patient_id` wins over another patient's `original_id`."""
    patients = tuple(patients)
    by_original_id = {patient.original_id: patient for patient in patients if patient.original_id}
    return by_original_id | {patient.patient_id: patient for patient in patients}


def check_images_apart(splits: Mapping[str, Sequence[Frame]]) -> None:
    """Raise if an image is in two splits, by its SOPInstanceUID: one patient has two names.

    A copy with rewritten headers is found when pixels are read, by `SAXDataset.as_arrays` and by the audit.

    Args:
        splits: Each split's frames.

    Raises:
        DataError: An image is in two splits.
    """
    seen: dict[str, tuple[str, Frame]] = {}
    for split, frames in splits.items():
        for frame in frames:
            other_split, other = seen.setdefault(frame.sop_instance_uid, (split, frame))
            if other_split != split and frame.sop_instance_uid:  # records have none
                problem = f"in split {split!r} has the SOPInstanceUID of {other.path} in {other_split!r}"
                raise DataError(frame.path, problem, expected="both names of a patient in one split")


def _shuffled(patients: Iterable[Patient | str], seed: int) -> list[str]:
    names = sorted({patient if isinstance(patient, str) else patient.patient_id for patient in patients})
    return [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
