"""A data set of short-axis frames, from any tree."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.labels import TARGETS, Target, is_labelled, label
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.data.layouts.png_table import mark_for_repair
from keras_lvseg.data.preprocessing import Intensity, Preprocessing
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.data.splits import by_either_name, check_images_apart
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.studies.assemble import read_patient
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_images
from keras_lvseg.studies.patient import Patient

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_lvseg.audit import AuditReport
    from keras_lvseg.data.pydataset import SAXPyDataset


class SAXDataset:
    """Short-axis frames with their contours, split by patient.

    Args:
        data_dir: The folder that the data lies in; the tree is recognised by looking.
        target: "endocardium" (0 background, 1 cavity) or "myocardium" (0, 1 cavity, 2 myocardium; frames with both
            contours only).
        splits: A mapping from a split's name to patients, by either of their names. None makes one split, "all".
        image_size: Rows and columns, cut or padded about the frame's centre.
        pixel_spacing: mm to resample to first; None keeps each frame's own.
        intensity: "zscore" (each image to mean 0 and standard deviation 1), "course" (times 1/1024), None (as
            stored), or a function of one image.
        contour_origin: Added to a contour's x and y to get zero-based pixel centres, see
            `keras_lvseg.geometry.CONTOUR_ORIGIN`. Label pictures lie where they lie, unless they are repaired.
        labels_include_outline: Whether label pictures were drawn too large and are mended, see
            `keras_lvseg.geometry.repaired_outline`; for a tree of pictures.

    Attributes:
        frames: Every frame, labelled or not, by patient, slice and phase; read from headers alone.
        patients: Every patient.
        info: The settings and the splits as plain values, for run folders and reports.

    Raises:
        DataError: The tree cannot be read, an image stands in two splits (a patient has two names), or there are no
            label pictures to repair.
        ValueError: An argument is out of its range, or a patient stands in two splits.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        target: Target = "endocardium",
        splits: Mapping[str, Sequence[str]] | None = None,
        image_size: tuple[int, int] = (256, 256),
        pixel_spacing: float | None = None,
        intensity: Intensity = "zscore",
        contour_origin: float = CONTOUR_ORIGIN,
        labels_include_outline: bool = False,
    ):
        if target not in TARGETS:
            raise ValueError(f"target has to be one of {', '.join(TARGETS)}. Received: target={target!r}")
        self.preprocessing = Preprocessing(tuple(image_size), pixel_spacing, intensity)  # type: ignore[arg-type]
        self.data_dir = Path(data_dir)
        self.target: Target = target
        self.contour_origin = float(contour_origin)
        self.labels_include_outline = bool(labels_include_outline)
        patients = index_tree(data_dir)
        if labels_include_outline:
            patients = mark_for_repair(data_dir, patients)
        self.patients: tuple[Patient, ...] = tuple(read_patient(files) for files in patients)
        self.frames: tuple[Frame, ...] = tuple(frame for patient in self.patients for frame in patient.frames)
        self._splits = self._split_frames(splits)
        self._seen: dict[bytes, tuple[str, Frame]] = {}  # by an image's pixels: where they were read first
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
            "splits": {
                name: {
                    "patients": sorted({frame.patient_id for frame in frames}),
                    "labelled_frames": len(self.labelled_frames(name)),
                }
                for name, frames in self._splits.items()
            },
        }

    def labelled_frames(self, split: str) -> tuple[Frame, ...]:
        """The split's frames that have the target's contours, in the order of `as_arrays`."""
        if split not in self._splits:
            raise ValueError(f"split has to be one of {', '.join(self._splits)}. Received: split={split!r}")
        return tuple(frame for frame in self._splits[split] if is_labelled(frame, self.target))

    def audit(self) -> AuditReport:
        """Read every file of the tree and say what is wrong with it, see `keras_lvseg.audit.audit_tree`."""
        from keras_lvseg.audit import audit_tree

        return audit_tree(self.data_dir, self.contour_origin)

    def as_arrays(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Read a split's labelled frames.

        Args:
            split: A split's name.

        Returns:
            Images, float32 of shape (frames, H, W, 1), and labels, uint8 of the same shape.

        Raises:
            DataError: A file cannot be read, the split has no labelled frame, or an image of it stands in another split
                that was read before, whatever the headers say.
        """
        frames = self.labelled_frames(split)
        if not frames:
            lacking = f"{self.target} contour" if self._splits[split] else "patient"
            raise DataError(self.data_dir, f"has no {lacking} in split {split!r}")
        shape = (len(frames), *self.preprocessing.image_size)
        images, labels = np.empty(shape, np.float32), np.empty(shape, np.uint8)
        for i, (frame, pixels) in enumerate(zip(frames, read_images(frames), strict=True)):
            self._check_apart(split, frame, pixels)
            grid = self.preprocessing.grid(frame)
            images[i] = self.preprocessing.image(pixels, grid)
            labels[i] = label(frame, self.target, self.contour_origin, grid)
        return images[..., None], labels[..., None]

    def as_dataset(
        self,
        split: str,
        batch_size: int | None = None,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        repeat: bool = False,
        seed: int | None = None,
        shard: tuple[int, int] | None = None,
        drop_remainder: bool = False,
    ) -> tf.data.Dataset:
        """A split's labelled frames as a tf.data.Dataset; files are read here and not again.

        Args:
            split: A split's name.
            batch_size: None gives single images.
            shuffle: A new order every epoch.
            augment: Joint changes of image and label, new every epoch.
            repeat: Start over without end.
            seed: Decides order and changes; None draws one.
            shard: (index, count): one of `count` parts that share no image.
            drop_remainder: Leave out a last batch that is smaller.

        Returns:
            Pairs of image, float32 of shape (H, W, 1), and label, uint8 of shape (H, W, 1), or batches of them.
        """
        from keras_lvseg.data.tf_dataset import make_dataset

        images, labels = self.as_arrays(split)
        sampling = Sampling(len(images), self.preprocessing.image_size, shuffle, augment, seed, shard)
        return make_dataset(images, labels, sampling, batch_size, repeat, drop_remainder)

    def as_pydataset(
        self,
        split: str,
        batch_size: int,
        shuffle: bool = False,
        augment: Augmentation | None = None,
        seed: int | None = None,
        shard: tuple[int, int] | None = None,
        drop_remainder: bool = False,
    ) -> SAXPyDataset:
        """The same as `as_dataset` as a keras.utils.PyDataset, for where there is no TensorFlow."""
        from keras_lvseg.data.pydataset import SAXPyDataset

        images, labels = self.as_arrays(split)
        sampling = Sampling(len(images), self.preprocessing.image_size, shuffle, augment, seed, shard)
        return SAXPyDataset(images, labels, sampling, batch_size, drop_remainder)

    def write_tfrecords(
        self, folder: str | os.PathLike[str], schema: str = "course", shards: int = 1
    ) -> tuple[Path, ...]:
        """Write the labelled frames of each split as NVIDIA's course keeps them; TensorFlow is not needed.

        Images are cut or padded to `image_size` and keep the values that the files store, as whole numbers: the
        course's code, which takes 256 x 256 pixels and scales by 1/1024, reads them. `from_tfrecords` of
        `SunnybrookSAXDataset` does so too, and finds the patients by their names (`original_id`).

        Args:
            folder: A new or an empty folder, written whole or not at all.
            schema: "course", the edition for TensorFlow 2, or "course-v1", the first, which names nobody.
            shards: Files a split, but never more than it has frames: `train_images-00000-of-00004.tfrecords`.

        Returns:
            The files: `train_images.tfrecords`, `val_images.tfrecords` for the split "validation", and so on.

        Raises:
            DataError: The folder holds something, a frame cannot be read, or nothing is labelled.
            ValueError: An argument is out of its range, or the target is the myocardium, which records do not hold.
        """
        from keras_lvseg.data.record_writer import write_course_records

        if self.target != "endocardium":
            raise ValueError(
                f"target has to be 'endocardium', all that the course's records hold. Received: {self.target!r}"
            )
        splits = {split: self.labelled_frames(split) for split in self._splits}
        if not any(splits.values()):
            raise DataError(self.data_dir, "has no endocardium contour", "records are made of labelled frames")
        return write_course_records(folder, splits, self.preprocessing, self.contour_origin, schema, shards)

    def _check_apart(self, split: str, frame: Frame, pixels: np.ndarray) -> None:
        if pixels.min() == pixels.max():
            return  # nothing to see: no patient's
        digest = hashlib.sha256(pixels.tobytes()).digest()
        other_split, other = self._seen.setdefault(digest, (split, frame))
        if other_split != split:
            problem = f"in split {split!r} shows the very pixels of {other.path} in {other_split!r}"
            raise DataError(frame.path, problem, "a patient belongs in one split; see the audit")

    def _split_frames(self, splits: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[Frame, ...]]:
        if splits is None:
            return {"all": self.frames}
        by_name = by_either_name(self.patients)
        taken: dict[str, str] = {}
        frames: dict[str, tuple[Frame, ...]] = {}
        for split, names in splits.items():
            members = []
            for name in names:
                if name not in by_name:
                    known = ", ".join(patient.patient_id for patient in self.patients)
                    raise DataError(self.data_dir, f"has no patient {name!r} for split {split!r}", f"it has {known}")
                patient = by_name[name]
                if patient.patient_id in taken:
                    both = f"{taken[patient.patient_id]!r} and {split!r}"
                    raise ValueError(f"a patient stands in one split only. Received: {name!r} in {both}")
                taken[patient.patient_id] = split
                members.append(patient)
            frames[split] = tuple(frame for patient in members for frame in patient.frames)
        return frames
