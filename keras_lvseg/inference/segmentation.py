"""Segmentation of an input, study by study."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from keras_lvseg.errors import DataError
from keras_lvseg.geometry import NetworkGrid
from keras_lvseg.inference.consistency.one_heart import keep_one_heart
from keras_lvseg.inference.consistency.study_masks import StudyMasks, decide_alone
from keras_lvseg.inference.inputs import Inputs
from keras_lvseg.inference.output_names import study_folders
from keras_lvseg.inference.postprocess import decide_classes, keep_best_component
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.inference.study_segmentation import StudySegmentation
from keras_lvseg.inference.trained_network import TYPICAL_SPACING, TrainedNetwork
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_images import read_image
from keras_lvseg.studies.skipped_file import SkippedFile
from keras_lvseg.studies.study import Study

_FrameKey = tuple[Path, int | None]
_Prepared = dict[_FrameKey, tuple[np.ndarray, NetworkGrid]]
"""Images or probabilities on the network's grid, with their grids."""

_BATCH_SIZE = 16


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
        found: _Prepared = {}
        skipped = list(study.skipped)
        batches = [study.frames[start : start + _BATCH_SIZE] for start in range(0, len(study.frames), _BATCH_SIZE)]
        done = 0
        for batch, (prepared, unreadable) in zip(batches, self._prepare_ahead(batches), strict=True):
            skipped += unreadable
            if prepared:
                foregrounds = self._network.foregrounds([image for image, _ in prepared.values()])
                grids = [grid for _, grid in prepared.values()]
                found |= zip(prepared, zip(foregrounds, grids, strict=True), strict=True)
            done += len(batch)
            if on_images:
                on_images(done)
        segmented = replace(study.restrict_to(found), skipped=tuple(skipped))
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

    def _prepare_ahead(self, batches: Iterable[Sequence[Frame]]) -> Iterator[tuple[_Prepared, list[SkippedFile]]]:
        """Yield what `_prepare` returns. While a batch is computed, a thread reads the next one."""
        with ThreadPoolExecutor(1) as thread:
            ahead: list[Future[tuple[_Prepared, list[SkippedFile]]]] = []
            for batch in batches:
                ahead.append(thread.submit(self._prepare, batch))
                if len(ahead) > 1:
                    yield ahead.pop(0).result()
            for last in ahead:
                yield last.result()

    def _prepare(self, frames: Sequence[Frame]) -> tuple[_Prepared, list[SkippedFile]]:
        """Return images on the network's grid, and the frames that cannot be read."""
        prepared: _Prepared = {}
        skipped = []
        for frame in frames:
            try:
                image = read_image(frame)
            except DataError as error:
                skipped.append(SkippedFile(frame.path, error.reason, frame.record))
                continue
            grid = self._network.grid(image, frame.pixel_spacing)
            prepared[frame.key] = self._network.preprocessing.image(image, grid), grid
        return prepared, skipped

    def _decide(self, study: Study, found: _Prepared) -> StudyMasks:
        """Decide the masks of a study, together unless each image is to be decided by itself."""

        def probabilities(index: int) -> np.ndarray:
            return native_probabilities(*found[study.frames[index].key])

        if self.settings["independent"] or study.geometry_error is not None or not study.frames:
            decide = keep_best_component if self.settings["postprocess"] else decide_classes
            return decide_alone(len(study.frames), probabilities, decide)
        spacings = [found[frame.key][1].native_spacing for frame in study.frames]
        certainty = self.settings["certainty"]
        return keep_one_heart(study.frames, probabilities, spacings=spacings, certainty=certainty)

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
