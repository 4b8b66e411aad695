"""Studies with the probabilities of a network, which are kept in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_lvseg.inference import StudyMasks, TrainedNetwork, keep_best_component, keep_one_heart
from keras_lvseg.inference.consistency.mask_flags import mask_flags
from keras_lvseg.inference.consistency.study_foregrounds import prepare, study_foregrounds
from keras_lvseg.inference.consistency.study_masks import decide_alone
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.studies import Study, StudyVolumes, study_volumes

_BATCH_SIZE = 16


@dataclass(frozen=True)
class CachedStudy:
    """A study with the probabilities of a network.

    Attributes:
        study: The study. All pixel spacings are known.
        foregrounds: Per frame, probabilities of the classes above 0, of shape (classes - 1, rows, columns), with the
            images looked at together.
        alone: The same with each image looked at by itself.
    """

    study: Study
    foregrounds: Sequence[np.ndarray]
    alone: Sequence[np.ndarray]

    def probabilities(self, index: int) -> np.ndarray:
        """Return the probabilities of a frame, of shape (classes, rows, columns), looked at together."""
        return _with_background(self.foregrounds[index])

    @property
    def spacings(self) -> list[tuple[float, float]]:
        """Pixel spacing of each frame in mm."""
        return [frame.pixel_spacing for frame in self.study.frames]

    def decide(self, together: bool) -> StudyMasks:
        """Decide the masks."""
        frames = self.study.frames
        if together:
            return keep_one_heart(frames, self.probabilities, spacings=self.spacings)
        return decide_alone(len(frames), lambda index: _with_background(self.alone[index]), keep_best_component)

    def volumes(self, decided: StudyMasks) -> tuple[StudyVolumes, list[str]]:
        """Return the volumes of masks, and the codes of the flags from these masks."""
        volumes = study_volumes(self.study, [int(np.count_nonzero(mask == 1)) for mask in decided.masks])
        flags = mask_flags(self.study, decided.masks, decided.certainties, volumes, changes=decided.changes)
        return volumes, [flag.code for flag in flags]


def cached_study(study: Study, network: TrainedNetwork, cache: Path) -> CachedStudy:
    """Return a study with its probabilities, which are computed once.

    Args:
        study: The study.
        network: The network.
        cache: The folder that keeps the probabilities. Its files are named by a hash of the weights and by views.
    """
    path = cache / f"{network.info.sha256[:12]}-{network.views}-{study.name}-{len(study.frames)}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        prepared = [prepare(network, frame) for frame in study.frames]
        found = [
            native_probabilities(own, grid)[1:] for _, own, grid in study_foregrounds(network, study.frames, [prepared])
        ]
        for start in range(0, len(prepared), _BATCH_SIZE):
            batch = prepared[start : start + _BATCH_SIZE]
            foregrounds = network.foregrounds([image for _, image, _ in batch])
            found += [native_probabilities(own, grid)[1:] for own, (*_, grid) in zip(foregrounds, batch, strict=True)]
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez_compressed(unfinished, *found)
        unfinished.replace(path)
    with np.load(path) as arrays:
        found = [arrays[f"arr_{index}"] for index in range(2 * len(study.frames))]
        return CachedStudy(study, found[: len(study.frames)], found[len(study.frames) :])


def _with_background(foreground: np.ndarray) -> np.ndarray:
    own = foreground.astype(np.float32)
    return np.stack([1 - own.sum(axis=0), *own])
