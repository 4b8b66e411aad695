"""The Sunnybrook Cardiac Data: short-axis frames with the official splits of the 2009 challenge."""

from __future__ import annotations

import itertools
import os
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_lvseg.data.dataset import SAXDataset
from keras_lvseg.data.labels import Target, is_labelled
from keras_lvseg.data.layouts import PatientFiles
from keras_lvseg.data.layouts.discovery import strip_zero_padding
from keras_lvseg.data.preprocessing import Intensity
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.io.course_record import parse_file_name
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.patient import Patient

# The challenge's three parts (training, validation, online): Radau P, Lu Y, Connelly K, Paul G, Dick AJ, Wright GA,
# "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", The MIDAS Journal, 2009.
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

_COURSE_IMAGES, _COURSE_TRAIN = 260, 234


class SunnybrookSAXDataset(SAXDataset):
    """`SAXDataset` with the Sunnybrook data's own splits.

    What is done with it stands there: `as_dataset`, `as_arrays`, `as_pydataset`, `write_tfrecords`, `audit`.

    Args:
        data_dir: The folder that the data lies in; the tree is recognised by looking.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium; frames with both
            contours only).
        splits: "official": the challenge's 15/15/15 as train, validation and test, as far as the patients are there.
            A mapping from a split's name to patients (`patient_split` and `patient_folds` make such mappings).
            "course": 260 images of the 15 training patients cut 234/26 as images, as NVIDIA's course does it: images
            of one patient stand on both sides, so its scores flatter.
            "files": the split that TFRecords were written as, `train_images.tfrecords` as train. It is also what
            "official" comes to for records that do not name their patients.
        image_size: Rows and columns, cut or padded about the frame's centre.
        pixel_spacing: mm to resample to first; None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as stored),
            or a function of one image.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres.
        labels_include_outline: Whether label pictures were drawn too large and are mended, see
            `keras_lvseg.geometry.repaired_outline`; for a tree of pictures.

    Raises:
        DataError: The tree cannot be read, has a patient in none of the official lists, not the course's 260 images,
            or no label pictures to repair.
        ValueError: An argument is out of its range, or a patient stands in two splits.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=2, seed=0, frames="contoured")
        >>> splits = {"train": ["PHANTOM0001"], "test": ["PHANTOM0002"]}
        >>> dataset = SunnybrookSAXDataset(folder, splits=splits, image_size=(128, 128))
        >>> images, labels = dataset.as_arrays("train")
        >>> images.shape[1:], images.dtype, labels.dtype, set(labels.ravel().tolist())
        ((128, 128, 1), dtype('float32'), dtype('uint8'), {0, 1})
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        target: Target = "endocardium",
        splits: str | Mapping[str, Sequence[str]] = "official",
        image_size: tuple[int, int] = (256, 256),
        pixel_spacing: float | None = None,
        intensity: Intensity = "zscore",
        contour_origin: float = CONTOUR_ORIGIN,
        labels_include_outline: bool = False,
    ):
        if isinstance(splits, str) and splits not in ("official", "course", "files"):
            raise ValueError(
                f"splits has to be 'official', 'course', 'files' or a mapping. Received: splits={splits!r}"
            )
        self._named = splits if isinstance(splits, str) else None
        mapping = None if isinstance(splits, str) else splits
        super().__init__(
            data_dir, target, mapping, image_size, pixel_spacing, intensity, contour_origin, labels_include_outline
        )

    @classmethod
    def from_tfrecords(
        cls,
        folder: str | os.PathLike[str],
        splits: str | Mapping[str, Sequence[str]] = "files",
        image_size: tuple[int, int] = (256, 256),
        intensity: Intensity = "zscore",
    ) -> SunnybrookSAXDataset:
        """Read TFRecords of either edition of NVIDIA's course, this package's or others'; no TensorFlow is needed.

        Masks are taken as they stand there; a record tells no spacing, so nothing is resampled or measured in mm.

        Args:
            folder: Holds `train_images.tfrecords` and `val_images.tfrecords`, or the like.
            splits: The splits that the files are named after, or as for the class.
            image_size: As for the class.
            intensity: As for the class.

        Raises:
            DataError: A record is damaged or something else; the line names the file and the record's place.

        Example:
            >>> import tempfile
            >>> from keras_lvseg.phantom import write_phantom
            >>> folder = tempfile.mkdtemp()
            >>> _ = write_phantom(folder, patients=2, seed=0, frames="contoured")
            >>> splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"]}
            >>> files = SunnybrookSAXDataset(folder, splits=splits).write_tfrecords(folder + "/records")
            >>> [file.name for file in files]
            ['train_images.tfrecords', 'val_images.tfrecords']
            >>> records = SunnybrookSAXDataset.from_tfrecords(folder + "/records")
            >>> records.info["splits"]["train"]["patients"], records.info["patients_on_both_sides"]
            (['PH-01'], False)
        """
        return cls(folder, "endocardium", splits, image_size, None, intensity)

    @property
    def info(self) -> dict[str, Any]:
        """The settings and the splits as plain values, and whether patients stand on both sides."""
        return {**super().info, "patients_on_both_sides": self._share_patients()}

    def _share_patients(self) -> bool:
        # Records that do not name their patients (the empty name) may show anybody.
        sides = [{frame.original_id for frame in frames} for frames in self._splits.values() if frames]
        return any(a & b or "" in a | b for a, b in itertools.combinations(sides, 2))

    def _split_frames(self, splits: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[Frame, ...]]:
        if self._named == "course":
            return self._course_frames()
        if self._named == "files" or (self._named == "official" and not any(p.original_id for p in self.patients)):
            return self._files_frames()
        if self._named == "official":
            splits = official_splits(self.patients)
            if splits is None:
                names = ", ".join(p.original_id for p in self.patients if _official_split(p.original_id) is None)
                problem = f"holds {names}, in none of the challenge's lists"
                raise DataError(self.data_dir, problem, "pass splits as a mapping from split to patients")
        return super()._split_frames(splits)

    def _course_frames(self) -> dict[str, tuple[Frame, ...]]:
        training = {p.patient_id for p in self.patients if _official_split(p.original_id) == "train"}
        frames = [f for f in self.frames if f.patient_id in training and is_labelled(f, "endocardium")]
        if len(training) != len(OFFICIAL_SPLITS["train"]) or len(frames) != _COURSE_IMAGES:
            found = f"{len(frames)} labelled images of {len(training)} of the challenge's training patients"
            raise DataError(self.data_dir, f"holds {found}", f"the course's split is made of {_COURSE_IMAGES} of 15")
        warnings.warn(
            "splits='course' puts images of one patient on both sides: its validation scores flatter", stacklevel=4
        )
        order = np.random.default_rng(0).permutation(_COURSE_IMAGES)
        return {
            "train": tuple(frames[i] for i in order[:_COURSE_TRAIN]),
            "validation": tuple(frames[i] for i in order[_COURSE_TRAIN:]),
        }

    def _files_frames(self) -> dict[str, tuple[Frame, ...]]:
        if any(frame.offset is None for frame in self.frames):
            raise DataError(self.data_dir, "holds no TFRecords", "splits='files' is for those")
        frames = defaultdict(list)
        for frame in sorted(self.frames, key=lambda frame: (frame.path, frame.offset or 0)):  # as they were written
            frames[parse_file_name(frame.path).split].append(frame)
        named = [{frame.original_id for frame in own if frame.original_id} for own in frames.values()]
        if any(a & b for a, b in itertools.combinations(named, 2)):
            what = "a patient stands in the files of two splits"
            warnings.warn(f"{self.data_dir}: {what}: their scores flatter", stacklevel=4)
        return {split: tuple(own) for split, own in frames.items()}


def official_splits(patients: Sequence[Patient | PatientFiles]) -> dict[str, tuple[str, ...]] | None:
    """The challenge's split of these patients, by `patient_id`; None where one is in none of its lists."""
    parts = {patient.patient_id: _official_split(patient.original_id) for patient in patients}
    if None in parts.values():
        return None
    return {split: tuple(name for name, part in parts.items() if part == split) for split in OFFICIAL_SPLITS}


def _official_split(original_id: str) -> str | None:
    # Some copies pad the number: SC-HF-I-01 is SC-HF-I-1.
    name = strip_zero_padding(original_id)
    return next((split for split, names in OFFICIAL_SPLITS.items() if name in names), None)
