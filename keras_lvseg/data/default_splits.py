"""Who is trained on, and who is kept apart."""

from __future__ import annotations

from collections.abc import Sequence

from keras_lvseg.data import patient_split
from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.data.splits import by_either_name
from keras_lvseg.data.sunnybrook import official_splits

_ENOUGH_TO_VALIDATE = 10  # patients; with fewer, each one is worth more as an example to learn from


def choose_splits(
    patients: Sequence[PatientFiles], test: Sequence[str] = (), validation: Sequence[str] = (), seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """Split a tree's patients: as asked for, else as the challenge did, else at random.

    Args:
        patients: The tree's patients.
        test: Patients to keep for the test, by either name.
        validation: Patients to follow the training along with. Where neither is given, the challenge's lists decide
            if each of its three parts is there; else a fifth of the patients, drawn at random, is the test, and
            another fifth the validation if there are ten or more.
        seed: Of the draw.

    Returns:
        A mapping from a split's name to patients.

    Raises:
        ValueError: A named patient is not there, or nobody is left to train on.
    """
    names = tuple(patient.patient_id for patient in patients)
    if not test and not validation:
        official = official_splits(patients)
        if official is not None and all(official.values()):
            return official
        if len(names) < 2:
            raise ValueError(f"two patients at least are needed, one to train on and one to test. Received: {names}")
        return patient_split(names, 0.2 if len(names) >= _ENOUGH_TO_VALIDATE else 0.0, 0.2, seed)
    known = {name: patient.patient_id for name, patient in by_either_name(patients).items()}
    for name in (*test, *validation):
        if name not in known:
            raise ValueError(f"test and validation have to be patients of {', '.join(names)}. Received: {name}")
    apart = {"validation": tuple(known[name] for name in validation), "test": tuple(known[name] for name in test)}
    train = tuple(name for name in names if name not in {*apart["validation"], *apart["test"]})
    if not train:
        raise ValueError(f"test and validation have to leave a patient for training. Received: all of {names}")
    return {"train": train, **{name: members for name, members in apart.items() if members}}
