"""Data set of the Sunnybrook Cardiac Data, with the official splits of the 2009 challenge."""

from __future__ import annotations

import itertools
import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from keras_lvseg.data.dataset import SAXDataset, SplitMapping, Splits
from keras_lvseg.data.labels import Target, is_labelled
from keras_lvseg.data.official_splits import OFFICIAL_SPLITS, official_split, official_splits
from keras_lvseg.data.preprocessing import Intensity
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.io.course_record import parse_record_file_name
from keras_lvseg.studies.frame import Frame

_COURSE_IMAGES, _COURSE_TRAIN = 260, 234
_NamedSplits = Literal["official", "course", "files"]


class SunnybrookSAXDataset(SAXDataset):
    """`SAXDataset` with the splits of the Sunnybrook data.

    Args:
        data_dir: The folder with the data. Its layout is recognised. Or a list of TFRecord files.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium; only frames with
            both contours).
        splits: "official": the challenge's 15/15/15 as train, validation and test, as far as the patients are present.
            "course": 260 images of the 15 training patients cut 234/26 by image, as in NVIDIA's course. Images of one
            patient are on both sides, so its validation scores are too high.
            "files": the splits that TFRecords were written as, `train_images.tfrecords` as train. "official" means
            the same for records without patients' names.
            Or a mapping or a function, see `SAXDataset`.
        image_size: Rows and columns, cropped or padded about the frame's centre.
        pixel_spacing: mm to resample to first. None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as stored),
            or a function of one image.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres, see
            `keras_lvseg.geometry.CONTOUR_ORIGIN`. It does not move label images, unless they are repaired.
        labels_include_outline: Whether label images were filled including their outline. They are repaired, see
            `keras_lvseg.geometry.contour_of_outlined_label`. Only for a tree with label images.
        empty_slices: Train on slices without a ventricle as well, see `SAXDataset`.
        partial: For the target "myocardium", take all frames with an endocardial contour, see `SAXDataset`.

    Raises:
        DataError: The tree cannot be read, has a patient in none of the official lists, lacks some of the course's 260
            images, or has no label images to repair.
        ValueError: An argument is out of its range, or a patient is in two splits.

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
        data_dir: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        target: Target = "endocardium",
        splits: _NamedSplits | Splits = "official",
        image_size: tuple[int, int] = (256, 256),
        pixel_spacing: float | None = None,
        intensity: Intensity = "zscore",
        contour_origin: float = CONTOUR_ORIGIN,
        labels_include_outline: bool = False,
        empty_slices: bool = False,
        partial: bool = False,
    ):
        if isinstance(splits, str) and splits not in get_args(_NamedSplits):
            raise invalid_argument("splits", splits, "'official', 'course', 'files', a mapping or a function")
        self._named = splits if isinstance(splits, str) else None
        super().__init__(
            data_dir,
            target=target,
            splits=None if isinstance(splits, str) else splits,
            image_size=image_size,
            pixel_spacing=pixel_spacing,
            intensity=intensity,
            contour_origin=contour_origin,
            labels_include_outline=labels_include_outline,
            empty_slices=empty_slices,
            partial=partial,
        )

    @classmethod
    def from_tfrecords(
        cls,
        files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        splits: _NamedSplits | Splits = "files",
        image_size: tuple[int, int] = (256, 256),
        intensity: Intensity = "zscore",
    ) -> SunnybrookSAXDataset:
        """Read TFRecords of either edition of NVIDIA's course, written by this package or by others.

        Masks are used as stored. Records have no pixel spacing, so nothing is resampled or measured in mm.

        Args:
            files: A folder with files such as `train_images.tfrecords` and `val_images.tfrecords`, or a list of files.
                They are plain, GZIP or ZLIB. Of a folder, all shards of a split must be there.
            splits: "files" for the splits that the files are named after, else as for the class.
            image_size: As for the class.
            intensity: As for the class.

        Raises:
            DataError: A record is damaged or of another kind. The message names the file and the record.

        Example:
            >>> import tempfile
            >>> from keras_lvseg.phantom import write_phantom
            >>> folder = tempfile.mkdtemp()
            >>> _ = write_phantom(folder, patients=2, seed=0, frames="contoured")
            >>> splits = {"train": ["PHANTOM0001"], "validation": ["PHANTOM0002"]}
            >>> files = SunnybrookSAXDataset(folder, splits=splits).write_tfrecords(folder + "/records")
            >>> [file.name for file in files]
            ['train_images.tfrecords', 'val_images.tfrecords']
            >>> records = SunnybrookSAXDataset.from_tfrecords(files)
            >>> records.info["splits"]["train"]["patients"], records.info["patients_on_both_sides"]
            (['PH-01'], False)
        """
        return cls(files, splits=splits, image_size=image_size, intensity=intensity)

    @property
    def info(self) -> dict[str, Any]:
        """The settings and the splits as plain values, and whether splits share patients."""
        return {**super().info, "patients_on_both_sides": self._share_patients()}

    def _share_patients(self) -> bool:
        # A record without a name (the empty one) may be of any patient.
        sides = [{frame.original_id for frame in frames} for frames in self._splits.values() if frames]
        return any(a & b or "" in a | b for a, b in itertools.combinations(sides, 2))

    def _split_frames(self, splits: SplitMapping | None) -> dict[str, tuple[Frame, ...]]:
        if self._named == "course":
            return self._course_frames()
        if self._named == "files" or (self._named == "official" and not any(p.original_id for p in self.patients)):
            return self._files_frames()
        if self._named == "official":
            splits = official_splits(self.patients)
            if splits is None:
                names = ", ".join(p.original_id for p in self.patients if official_split(p.original_id) is None)
                problem = f"has patients in none of the challenge's lists: {names}"
                raise DataError(self.data_dir, problem, "pass `splits` as a mapping from split to patients")
        return super()._split_frames(splits)

    def _course_frames(self) -> dict[str, tuple[Frame, ...]]:
        training = {p.patient_id for p in self.patients if official_split(p.original_id) == "train"}
        frames = [f for f in self.frames if f.patient_id in training and is_labelled(f, "endocardium")]
        if len(training) != len(OFFICIAL_SPLITS["train"]) or len(frames) != _COURSE_IMAGES:
            raise DataError(
                self.data_dir,
                "lacks data for the course's split",
                expected=f"{_COURSE_IMAGES} labelled images of the challenge's {len(OFFICIAL_SPLITS['train'])} "
                "training patients",
                got=f"{len(frames)} of {len(training)}",
            )
        message = "splits='course' puts images of one patient on both sides: its validation scores are too high"
        warnings.warn(message, stacklevel=5)
        order = np.random.default_rng(0).permutation(_COURSE_IMAGES)
        return {
            "train": tuple(frames[i] for i in order[:_COURSE_TRAIN]),
            "validation": tuple(frames[i] for i in order[_COURSE_TRAIN:]),
        }

    def _files_frames(self) -> dict[str, tuple[Frame, ...]]:
        if any(frame.mask is None for frame in self.frames):
            raise DataError(self.data_dir, "holds no TFRecords", expected="TFRecords for splits='files'")
        frames = defaultdict(list)
        for frame in sorted(self.frames, key=lambda frame: (frame.path, frame.record or 0)):  # the order of writing
            frames[parse_record_file_name(frame.path).split].append(frame)
        named = [{frame.original_id for frame in own if frame.original_id} for own in frames.values()]
        if any(a & b for a, b in itertools.combinations(named, 2)):
            message = f"{self.data_dir}: files of two splits share a patient: validation scores are too high"
            warnings.warn(message, stacklevel=5)
        return {split: tuple(own) for split, own in frames.items()}
