"""Data set of short-axis frames from any known tree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.labels import TARGETS, Target, draw_label, find_empty_frames, is_labelled
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.data.layouts.png_table import set_labels_include_outline
from keras_lvseg.data.preprocessing import Intensity, Preprocessing
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.data.splits import by_either_name, check_images_apart
from keras_lvseg.errors import DataError, invalid_argument
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.studies.assembly.assemble import read_patient
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image
from keras_lvseg.studies.patient import Patient

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_lvseg.data.pydataset import SAXPyDataset

SplitMapping = Mapping[str, Sequence[str]]
Splits = SplitMapping | Callable[[Sequence[Patient]], SplitMapping]


class SAXDataset:
    """Short-axis frames with their contours, split by patient.

    Args:
        data_dir: The folder with the data. Its layout is recognised. Or a list of TFRecord files.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium; only frames with
            both contours).
        splits: A mapping from a split's name to patients, by either of their names. Or a function that returns such a
            mapping for `patients`, such as `patient_split` or `functools.partial(choose_splits, test=["P7"])`. None
            makes one split, "all".
        image_size: Rows and columns, cropped or padded about the frame's centre.
        pixel_spacing: mm to resample to first. None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as
            stored), or a function of one image.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres, see
            `keras_lvseg.geometry.CONTOUR_ORIGIN`. It does not move label images, unless they are repaired.
        labels_include_outline: Whether label images were filled including their outline. They are repaired, see
            `keras_lvseg.geometry.contour_of_outlined_label`. Only for a tree with label images.
        label_values: Values of "cavity" and "myocardium" in label NIfTI files, such as {"cavity": 3, "myocardium": 2}.
            None means 1 and 2. Only for a tree with labelled NIfTI.
        empty_slices: Train on slices without a ventricle as well: those that the expert contoured at neither
            end-diastole nor end-systole, in all phases. Their label is background.
        partial: For the target "myocardium", take all frames with an endocardial contour. In those without an
            epicardial contour, label 3 means "background or myocardium". Losses and `MeanDice` need
            `merged_classes={3: (0, 2)}`. `DiceCoefficient` of class 1 needs nothing: label 3 is not the cavity.

    Attributes:
        patients: All patients.
        frames: All frames, labelled or not, by patient, slice and phase, read from headers only.
        info: The settings and the splits as plain values, for run folders and reports.

    Raises:
        DataError: The tree cannot be read, an image is in two splits (one patient has two names), or there are no
            label images to repair.
        ValueError: An argument is out of its range, or a patient is in two splits.

    Example:
        >>> import tempfile
        >>> from keras_lvseg.data import patient_split
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=3, seed=0, frames="contoured")
        >>> dataset = SAXDataset(folder, splits=patient_split, image_size=(96, 96), pixel_spacing=2.0)
        >>> {name: len(split["patients"]) for name, split in dataset.info["splits"].items()}
        {'train': 1, 'validation': 1, 'test': 1}
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        target: Target = "endocardium",
        splits: Splits | None = None,
        image_size: tuple[int, int] = (256, 256),
        pixel_spacing: float | None = None,
        intensity: Intensity = "zscore",
        contour_origin: float = CONTOUR_ORIGIN,
        labels_include_outline: bool = False,
        label_values: Mapping[str, int] | None = None,
        empty_slices: bool = False,
        partial: bool = False,
    ):
        if target not in TARGETS:
            raise invalid_argument("target", target, f"one of {', '.join(TARGETS)}")
        if partial and target != "myocardium":
            raise invalid_argument("partial", partial, "False for the target 'endocardium'")
        self.preprocessing = Preprocessing(tuple(image_size), pixel_spacing, intensity=intensity)  # type: ignore[arg-type]
        self.target: Target = target
        self.contour_origin = float(contour_origin)
        self.labels_include_outline = bool(labels_include_outline)
        self.label_values = dict(label_values) if label_values is not None else None
        self.empty_slices, self.partial = bool(empty_slices), bool(partial)
        patients = index_tree(data_dir, label_values)
        if isinstance(data_dir, str | os.PathLike):
            self.data_dir = Path(data_dir)
        else:
            self.data_dir = Path(os.path.commonpath([Path(file).resolve().parent for file in data_dir]))
        if labels_include_outline:
            patients = set_labels_include_outline(self.data_dir, patients)
        self.patients: tuple[Patient, ...] = tuple(read_patient(files) for files in patients)
        self.frames: tuple[Frame, ...] = tuple(frame for patient in self.patients for frame in patient.frames)
        self._splits = self._split_frames(splits(self.patients) if callable(splits) else splits)
        self._first_seen: dict[bytes, tuple[str, Frame]] = {}  # by the hash of an image's pixels
        check_images_apart(self._splits)

    @property
    def info(self) -> dict[str, Any]:
        """The settings and the splits as plain values."""
        intensity = self.preprocessing.intensity
        return {
            "data_dir": str(self.data_dir),
            "target": self.target,
            "image_size": list(self.preprocessing.image_size),
            "pixel_spacing": self.preprocessing.pixel_spacing,
            "intensity": getattr(intensity, "__name__", repr(intensity)) if callable(intensity) else intensity,
            "contour_origin": self.contour_origin,
            "labels_include_outline": self.labels_include_outline,
            "label_values": self.label_values,
            "empty_slices": self.empty_slices,
            "partial": self.partial,
            "splits": {
                name: {
                    "patients": sorted({frame.patient_id for frame in frames}),
                    "labelled_frames": len(self.labelled_frames(name)),
                }
                for name, frames in self._splits.items()
            },
        }

    def labelled_frames(self, split: str) -> tuple[Frame, ...]:
        """Return the split's frames that have the target's contours, in the order of `as_arrays`.

        Args:
            split: A split's name.

        Raises:
            ValueError: There is no such split.
        """
        return tuple(frame for frame in self._frames(split) if is_labelled(frame, self.target, partial=self.partial))

    def empty_frames(self, split: str) -> tuple[Frame, ...]:
        """Return the split's frames without a ventricle, in the order of `as_arrays`. None without `empty_slices`.

        Args:
            split: A split's name.

        Raises:
            ValueError: There is no such split.
        """
        frames = self._frames(split)
        return find_empty_frames(frames) if self.empty_slices else ()

    def as_arrays(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Read a split's labelled frames, then its empty ones.

        Args:
            split: A split's name.

        Returns:
            Images, float32 of shape (frames, H, W, 1), and labels, uint8 of the same shape.

        Raises:
            DataError: A file cannot be read, the split has no labelled frame, or one of its images has the same pixels
                as an image of another split that was read before.
        """
        frames = self.labelled_frames(split)
        if not frames:
            missing = f"{self.target} contour" if self._splits[split] else "patient"
            raise DataError(self.data_dir, f"has no {missing} in split {split!r}")
        labelled = len(frames)
        frames += self.empty_frames(split)
        shape = (len(frames), *self.preprocessing.image_size)
        images, labels = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
        for i, (frame, pixels) in enumerate(zip(frames, map(read_image, frames), strict=True)):
            self._check_pixels_apart(split, frame, pixels)
            grid = self.preprocessing.grid(frame)
            images[i] = self.preprocessing.image(pixels, grid)
            if i < labelled:
                labels[i] = draw_label(frame, self.target, self.contour_origin, grid, partial=self.partial)
        return images[..., None], labels[..., None]

    def as_dataset(
        self,
        split: str,
        *,
        batch_size: int | None = None,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        repeat: bool = False,
        seed: int | None = None,
        shard: tuple[int, int] | None = None,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """Return a split's labelled frames as a tf.data.Dataset. Files are read once, in this call.

        Args:
            split: A split's name.
            batch_size: Images per batch. None gives single images.
            shuffle: Draw a new order every epoch.
            augment: Random augmentation of image and label, drawn anew every epoch. Needs Keras' TensorFlow backend.
            repeat: Repeat without end.
            seed: Seed of order and augmentation. None draws one.
            shard: (index, count): one of `count` parts that share no image.
            drop_remainder: Leave out a smaller last batch.

        Returns:
            Pairs of image, float32 of shape (H, W, 1), and label, uint8 of shape (H, W, 1), or batches of them.

        Raises:
            DataError: See `as_arrays`.
            ImportError: TensorFlow is not installed.
            ValueError: An argument is out of its range, or `augment` is given under another backend than TensorFlow.

        Example:
            >>> import tempfile
            >>> from keras_lvseg.phantom import write_phantom
            >>> folder = tempfile.mkdtemp()
            >>> _ = write_phantom(folder, patients=1, seed=0, frames="contoured")
            >>> dataset = SAXDataset(folder, image_size=(96, 80), pixel_spacing=2.0)
            >>> dataset.as_dataset("all", batch_size=4, drop_remainder=True).element_spec[0].shape
            TensorShape([4, 96, 80, 1])
        """
        try:
            from keras_lvseg.data.tf_dataset import make_dataset
        except ImportError as error:
            hint = "Install it with `pip install tensorflow`, or use `as_pydataset`, which needs none"
            raise ImportError(f"`as_dataset` needs TensorFlow, which cannot be imported. {hint}.") from error

        images, labels = self.as_arrays(split)
        sampling = Sampling(
            len(images), self.preprocessing.image_size, shuffle=shuffle, augment=augment, seed=seed, shard=shard
        )
        return make_dataset(
            images, labels, sampling, batch_size=batch_size, repeat=repeat, drop_remainder=drop_remainder
        )

    def as_pydataset(
        self,
        split: str,
        *,
        batch_size: int,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int | None = None,
        shard: tuple[int, int] | None = None,
        drop_remainder: bool = False,
    ) -> SAXPyDataset:
        """Return a split's labelled frames as a keras.utils.PyDataset, on any backend.

        Args:
            split: A split's name.
            batch_size: Images per batch.
            shuffle: Draw a new order every epoch.
            augment: Random augmentation of image and label, drawn anew every epoch.
            seed: Seed of order and augmentation. None draws one.
            shard: (index, count): one of `count` parts that share no image.
            drop_remainder: Leave out a smaller last batch.

        Returns:
            Batches of images, float32 of shape (B, H, W, 1), and labels, uint8 of the same shape.

        Raises:
            DataError: See `as_arrays`.
            ValueError: An argument is out of its range.
        """
        from keras_lvseg.data.pydataset import SAXPyDataset

        images, labels = self.as_arrays(split)
        sampling = Sampling(
            len(images), self.preprocessing.image_size, shuffle=shuffle, augment=augment, seed=seed, shard=shard
        )
        return SAXPyDataset(images, labels, sampling, batch_size=batch_size, drop_remainder=drop_remainder)

    def write_tfrecords(
        self, folder: str | os.PathLike[str], *, schema: str = "course", shards: int = 1
    ) -> tuple[Path, ...]:
        """Write the labelled frames of each split as TFRecords of NVIDIA's course.

        Images are cropped or padded to `image_size` and keep the stored values, as integers. The course's code reads
        them: it takes 256 x 256 pixels and multiplies by 1/1024. `SunnybrookSAXDataset.from_tfrecords` reads them too,
        and finds the patients by `original_id`.

        Args:
            folder: A new or an empty folder. It is written atomically.
            schema: "course", the edition for TensorFlow 2, or "course-v1", the first, without patients' names.
            shards: Files per split, at most one per frame: `train_images-00000-of-00004.tfrecords`.

        Returns:
            The files: `train_images.tfrecords`, `val_images.tfrecords` for the split "validation", and so on.

        Raises:
            DataError: The folder is not empty, a frame cannot be read, or no frame is labelled.
            ValueError: An argument is out of its range, or the target is the myocardium, which the schemas lack.
        """
        from keras_lvseg.data.record_writer import write_course_records

        if self.target != "endocardium":
            raise invalid_argument("target", self.target, "'endocardium', the only target of the course's records")
        splits = {split: self.labelled_frames(split) for split in self._splits}
        if not any(splits.values()):
            raise DataError(self.data_dir, "has no endocardium contour", expected="labelled frames to write")
        return write_course_records(
            folder, splits, self.preprocessing, contour_origin=self.contour_origin, schema=schema, shards=shards
        )

    def _frames(self, split: str) -> tuple[Frame, ...]:
        if split not in self._splits:
            raise invalid_argument("split", split, f"one of {', '.join(self._splits)}")
        return self._splits[split]

    def _check_pixels_apart(self, split: str, frame: Frame, pixels: np.ndarray) -> None:
        if pixels.min() == pixels.max():
            return  # a blank image identifies no patient
        digest = hashlib.sha256(pixels.tobytes()).digest()
        other_split, other = self._first_seen.setdefault(digest, (split, frame))
        if other_split != split:
            problem = f"in split {split!r} has the same pixels as {other.path} in {other_split!r}"
            raise DataError(frame.path, problem, expected="each patient in one split, see the audit")

    def _split_frames(self, splits: SplitMapping | None) -> dict[str, tuple[Frame, ...]]:
        if splits is None:
            return {"all": self.frames}
        by_name = by_either_name(self.patients)
        taken: dict[str, tuple[str, str]] = {}
        frames: dict[str, tuple[Frame, ...]] = {}
        for split, names in splits.items():
            members = []
            for name in names:
                if name not in by_name:
                    known = ", ".join(patient.patient_id for patient in self.patients)
                    problem = f"has no patient {name!r} for split {split!r}"
                    raise DataError(self.data_dir, problem, expected=f"one of {known}")
                patient = by_name[name]
                if other := taken.get(patient.patient_id):
                    raise invalid_argument("splits", [other, (split, name)], "each patient in one split, once")
                taken[patient.patient_id] = split, name
                members.append(patient)
            frames[split] = tuple(frame for patient in members for frame in patient.frames)
        return frames
