"""Segmentation of an input, study by study."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.consistency.study_foregrounds import (
    BATCH_SIZE,
    Prepared,
    decide_study,
    prepare,
    study_foregrounds,
)
from keras_lvseg.inference.consistency.study_masks import StudyMasks, decide_alone
from keras_lvseg.inference.inputs import Inputs
from keras_lvseg.inference.output_names import study_folders
from keras_lvseg.inference.postprocess import decide_classes, keep_best_component
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.inference.study_segmentation import StudySegmentation
from keras_lvseg.inference.trained_network import TYPICAL_SPACING, TrainedNetwork
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study


class Segmentation:
    """The studies of an input, each segmented when it is asked for.

    Iterate over it, or index it like a list. It holds no masks, so memory does not grow with the number of studies.

    Args:
        inputs: The studies and the files that belong to none.
        network: The network.
        settings: The network and its options, as plain values.
        on_progress: Called during iteration with the number of finished images and of all images.
        arguments: Arguments of the `Segmenter` with that network.

    Attributes:
        studies: The studies, not yet segmented.
        folders: Name of the result folder of each study.
        numbers: Number of each study in the input, from 1.
        root: The folder that was searched.
        skipped: Files that belong to no study, each with its reason.
        notes: Remarks on the input, one line each.
        settings: The network and its options, as plain values.
        arguments: Arguments of the `Segmenter`.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import Segmenter
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> segmentation = Segmenter().segment(folder)
        >>> segmentation
        <Segmentation of 1 study with 17 images>
        >>> for study in segmentation:
        ...     print(study.name, len(study.masks))
        PHANTOM0001 17
    """

    def __init__(
        self,
        inputs: Inputs,
        network: TrainedNetwork,
        settings: Mapping[str, Any],
        on_progress: Callable[[int, int], None] | None = None,
        *,
        arguments: Mapping[str, Any] | None = None,
    ):
        self.studies: tuple[Study, ...] = inputs.studies
        self.folders: tuple[str, ...] = tuple(study_folders(study.name for study in inputs.studies))
        self.numbers: Sequence[int] = range(1, len(inputs.studies) + 1)
        self.root: Path = inputs.root
        self.skipped: tuple[SkippedFile, ...] = inputs.skipped
        self.notes: tuple[str, ...] = inputs.notes
        self.settings: Mapping[str, Any] = settings
        self.arguments: Mapping[str, Any] = arguments or {}
        self._network = network
        self._on_progress = on_progress

    def __len__(self) -> int:
        return len(self.studies)

    def __repr__(self) -> str:
        images = sum(len(study.frames) for study in self.studies)
        return f"<Segmentation of {len(self)} {'study' if len(self) == 1 else 'studies'} with {images} images>"

    def __getitem__(self, index: int) -> StudySegmentation:
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} studies, got index {index}")
        return self.segment_study(index % len(self))

    def __iter__(self) -> Iterator[StudySegmentation]:
        *starts, total = accumulate((len(study.frames) for study in self.studies), initial=0)
        for index, start in enumerate(starts):

            def report(done: int, start: int = start) -> None:
                if self._on_progress:
                    self._on_progress(start + done, total)

            yield self.segment_study(index, on_images=report)

    def segment_study(self, index: int, *, on_images: Callable[[int], None] | None = None) -> StudySegmentation:
        """Segment one study.

        Images that cannot be read are skipped, each with its reason. If none can be read, the result has an `error`.

        Args:
            index: Index of the study, from 0.
            on_images: Called after each step with the number of finished images of the study.
        """
        study = self.studies[index]
        skipped: list[SkippedFile] = []
        batches = self._read(study.frames, skipped)

        def report(done: int) -> None:
            if on_images:
                on_images(done + len(skipped))

        if self._is_one_heart(study):
            found = study_foregrounds(self._network, study.frames, batches, on_images=report)
            if not found:  # no image could be read: all are finished
                report(0)
        else:
            found = []
            for batch in batches:
                foregrounds = self._network.foregrounds([image for _, image, _ in batch]) if batch else []
                found += [(frame, own, grid) for (frame, _, grid), own in zip(batch, foregrounds, strict=True)]
                report(len(found))
        segmented = study.restrict_to({frame.key for frame, *_ in found})
        segmented = replace(segmented, skipped=(*study.skipped, *skipped))
        return self._result(index, segmented, self._decide(segmented, found))

    def give_up(self, index: int, reason: str) -> StudySegmentation:
        """Return the result of a study that cannot be segmented.

        Args:
            index: Index of the study, from 0.
            reason: Why all its images are skipped.
        """
        study = self.studies[index]
        skipped = tuple(SkippedFile(frame.path, reason, frame.record) for frame in study.frames)
        return self._result(index, replace(study.restrict_to(()), skipped=skipped), StudyMasks())

    def only(self, index: int) -> Segmentation:
        """Return the segmentation of one study, which keeps its folder and number, without the network.

        Args:
            index: Index of the study, from 0.
        """
        part = copy.copy(self)
        part.studies, part.folders, part.numbers = (self.studies[index],), (self.folders[index],), [index + 1]
        part.skipped = part.notes = ()
        del part._network, part._on_progress
        return part

    def use(self, network: TrainedNetwork) -> Segmentation:
        """Return this segmentation with a network.

        Args:
            network: The network.
        """
        part = copy.copy(self)
        part._network, part._on_progress = network, None
        return part

    @property
    def network(self) -> TrainedNetwork:
        """The network."""
        return self._network

    def _result(self, index: int, study: Study, decided: StudyMasks) -> StudySegmentation:
        return StudySegmentation(
            study=study,
            masks=tuple(decided.masks),
            certainties=tuple(decided.certainties),
            changes=tuple(decided.changes),
            number=self.numbers[index],
            folder=self.folders[index],
            patient_id=self.studies[index].patient_id,
            root=self.root,
            fingerprint=self.fingerprint(index),
            has_myocardium=self._network.has_myocardium,
            settings=self.settings,
            notes=tuple(self._notes(study)),
        )

    def _read(self, frames: Sequence[Frame], skipped: list[SkippedFile]) -> Iterator[list[Prepared]]:
        """Yield frames with their images on the network's grid. While a batch is computed, a thread reads the next one.

        Args:
            frames: The frames.
            skipped: Gets those that cannot be read.
        """
        with ThreadPoolExecutor(1) as thread:
            ahead: deque[Future[tuple[list[Prepared], list[SkippedFile]]]] = deque()
            for start in range(0, len(frames) + BATCH_SIZE, BATCH_SIZE):
                ahead.append(thread.submit(self._prepare, frames[start : start + BATCH_SIZE]))
                if len(ahead) > 1:
                    prepared, unreadable = ahead.popleft().result()
                    skipped += unreadable
                    yield prepared

    def _prepare(self, frames: Sequence[Frame]) -> tuple[list[Prepared], list[SkippedFile]]:
        """Return frames with their images on the network's grid, and the frames that cannot be read."""
        prepared: list[Prepared] = []
        skipped = []
        for frame in frames:
            try:
                prepared.append(prepare(self._network, frame))
            except DataError as error:
                skipped.append(SkippedFile(frame.path, error.reason, frame.record))
        return prepared, skipped

    def _is_one_heart(self, study: Study) -> bool:
        """Return whether the images of a study are looked at and decided together."""
        return not self.settings["independent"] and study.geometry_error is None and bool(study.frames)

    def _decide(self, study: Study, found: Sequence[tuple[Frame, np.ndarray, NetworkGrid]]) -> StudyMasks:
        """Decide the masks of a study."""
        if self._is_one_heart(study):
            return decide_study(found, certainty=self.settings["certainty"])
        decide = keep_best_component if self.settings["postprocess"] else decide_classes
        return decide_alone(len(found), lambda index: native_probabilities(*found[index][1:]), decide)

    def fingerprint(self, index: int) -> str:
        """Return a hash of a study's images: place, size and UID, without names.

        Args:
            index: Index of the study, from 0.
        """
        images = [
            (
                (frame.rows, frame.columns, *frame.pixel_spacing, *frame.position, *frame.orientation),
                (frame.slice, frame.phase, frame.record, frame.sop_instance_uid, _file_size(frame.path)),
            )
            for frame in self.studies[index].frames
        ]
        return hashlib.sha256(json.dumps(images).encode()).hexdigest()

    def _notes(self, study: Study) -> Iterator[str]:
        if not any(np.isnan(frame.pixel_spacing).any() for frame in study.frames):
            return
        resampled = self.settings["pixel_spacing"] is not None
        assumed = f"{TYPICAL_SPACING} mm is assumed, and " if resampled else ""
        yield f"the pixel spacing is unknown: {assumed}areas are given in pixels only"


def _file_size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # it is skipped with a reason when it is read
        return -1
