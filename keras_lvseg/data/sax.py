"""A data set of short-axis frames, from any tree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_lvseg.data.augmentation import Augmentation
from keras_lvseg.data.dicom import read_pixels
from keras_lvseg.data.frames import Frame
from keras_lvseg.data.layouts import index_tree
from keras_lvseg.data.patients import Patient
from keras_lvseg.data.preprocessing import Intensity, Preprocessing
from keras_lvseg.data.sampling import Sampling
from keras_lvseg.data.studies import read_patient
from keras_lvseg.data.targets import TARGETS, Target, is_labelled, label
from keras_lvseg.errors import DataError
from keras_lvseg.geometry import CONTOUR_ORIGIN

if TYPE_CHECKING:
    import tensorflow as tf

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
            `keras_lvseg.geometry.CONTOUR_ORIGIN`.

    Attributes:
        frames: Every frame, labelled or not, by patient, slice and phase; read from headers alone.
        patients: Every patient.
        info: The settings and the splits as plain values, for run folders and reports.

    Raises:
        DataError: The tree cannot be read.
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
    ):
        if target not in TARGETS:
            raise ValueError(f"target has to be one of {', '.join(TARGETS)}. Received: target={target!r}")
        self.preprocessing = Preprocessing(tuple(image_size), pixel_spacing, intensity)  # type: ignore[arg-type]
        self.data_dir = Path(data_dir)
        self.target: Target = target
        self.contour_origin = float(contour_origin)
        self.patients: tuple[Patient, ...] = tuple(read_patient(files) for files in index_tree(data_dir))
        self.frames: tuple[Frame, ...] = tuple(frame for patient in self.patients for frame in patient.frames)
        self._splits = self._split_frames(splits)

    @property
    def info(self) -> dict[str, Any]:
        """The settings and the splits as plain values."""
        intensity = self.preprocessing.intensity
        return {
            "data_dir": str(self.data_dir),
            "target": self.target,
            "image_size": list(self.preprocessing.image_size),
            "pixel_spacing": self.preprocessing.pixel_spacing,
            "intensity": getattr(intensity, "__name__", intensity),
            "contour_origin": self.contour_origin,
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

    def as_arrays(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Read a split's labelled frames.

        Args:
            split: A split's name.

        Returns:
            Images, float32 of shape (frames, H, W, 1), and labels, uint8 of the same shape.

        Raises:
            DataError: A file cannot be read, or the split has no labelled frame.
        """
        frames = self.labelled_frames(split)
        if not frames:
            raise DataError(self.data_dir, f"has no {self.target} contour in split {split!r}")
        pairs = [self._pair(frame) for frame in frames]
        images, labels = (np.stack(part)[..., None] for part in zip(*pairs, strict=True))
        return images, labels

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
        """A split's labelled frames as a tf.data.Dataset; the files are read once, here.

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
        from keras_lvseg.data.pipeline import make_dataset

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

    def _pair(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        grid = self.preprocessing.grid(frame)
        image = self.preprocessing.image(read_pixels(frame.path), grid)
        return image, label(frame, self.target, self.contour_origin, grid)

    def _split_frames(self, splits: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[Frame, ...]]:
        if splits is None:
            return {"all": self.frames}
        by_name = {name: p for p in self.patients for name in (p.original_id, p.patient_id)}
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
