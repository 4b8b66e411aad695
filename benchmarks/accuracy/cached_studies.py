"""Studies with the probabilities of a network, which are kept in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_lvseg.inference import StudyMasks, TrainedNetwork, keep_best_component, keep_one_heart
from keras_lvseg.inference.consistency.mask_flags import mask_flags
from keras_lvseg.inference.consistency.study_masks import decide_alone
from keras_lvseg.inference.predict import native_probabilities
from keras_lvseg.studies import Study, StudyVolumes, read_image, study_volumes

_BATCH_SIZE = 16


@dataclass(frozen=True)
class CachedStudy:
    """A study with the probabilities of a network.

    Attributes:
        study: The study. All pixel spacings are known.
        foregrounds: Per frame, probabilities of the classes above 0, of shape (classes - 1, rows, columns).
    """

    study: Study
    foregrounds: list[np.ndarray]

    def probabilities(self, index: int) -> np.ndarray:
        """Return the probabilities of a frame, of shape (classes, rows, columns)."""
        own = self.foregrounds[index].astype(np.float32)
        return np.stack([1 - own.sum(axis=0), *own])

    @property
    def spacings(self) -> list[tuple[float, float]]:
        """Pixel spacing of each frame in mm."""
        return [frame.pixel_spacing for frame in self.study.frames]

    def decide(self, together: bool) -> StudyMasks:
        """Decide the masks."""
        frames = self.study.frames
        if together:
            return keep_one_heart(frames, self.probabilities, spacings=self.spacings)
        return decide_alone(len(frames), self.probabilities, keep_best_component)

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
        found = []
        for start in range(0, len(study.frames), _BATCH_SIZE):
            batch = study.frames[start : start + _BATCH_SIZE]
            images = [read_image(frame) for frame in batch]
            grids = [network.grid(image, frame.pixel_spacing) for image, frame in zip(images, batch, strict=True)]
            prepared = [network.preprocessing.image(image, grid) for image, grid in zip(images, grids, strict=True)]
            foregrounds = network.foregrounds(prepared)
            found += [native_probabilities(*own)[1:] for own in zip(foregrounds, grids, strict=True)]
        unfinished = path.with_suffix(".unfinished.npz")
        np.savez_compressed(unfinished, *found)
        unfinished.replace(path)
    with np.load(path) as arrays:
        return CachedStudy(study, [arrays[f"arr_{index}"] for index in range(len(study.frames))])
