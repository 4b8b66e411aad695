"""Results with given masks, without a network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference.inputs import find_inputs
from keras_lvseg.inference.output_names import study_folders
from keras_lvseg.inference.study_segmentation import StudySegmentation
from keras_lvseg.models.pretrained import CERTAINTY
from keras_lvseg.studies import Frame, Study

SETTINGS = {
    "keras_lvseg": "0.0.0",
    "network": {"weights": "none"},
    "image_size": [64, 64],
    "pixel_spacing": None,
    "intensity": "zscore",
    "views": 1,
    "postprocess": False,
    "independent": True,
    "certainty": {**CERTAINTY},
    "contour_origin": CONTOUR_ORIGIN,
    "engine": "keras",
}


def results_of(
    root: Path, mask_of: Callable[[Frame], np.ndarray] | None = None, *, myocardium: bool = False
) -> list[StudySegmentation]:
    """Return a result per study. Without `mask_of`, masks are random and every fifth is empty."""
    inputs = find_inputs(root)
    rng = np.random.default_rng(3)
    count = 0

    def random_mask(frame: Frame) -> np.ndarray:
        nonlocal count
        count += 1
        return rng.integers(0, 3 if myocardium else 2, frame.shape) * (count % 5 != 0)

    folders = study_folders(study.name for study in inputs.studies)
    return [
        result_of(study, inputs.root, mask_of or random_mask, number, folder, myocardium)
        for number, (study, folder) in enumerate(zip(inputs.studies, folders, strict=True), 1)
    ]


def result_of(
    study: Study, root: Path, mask_of: Callable[[Frame], np.ndarray], number: int, folder: str, myocardium: bool
) -> StudySegmentation:
    """Return the result of one study."""
    masks = tuple(np.asarray(mask_of(frame), np.uint8) for frame in study.frames)
    return StudySegmentation(
        study=study,
        masks=masks,
        certainties=tuple(0.95 if (mask == 1).any() else None for mask in masks),
        changes=(None,) * len(masks),
        number=number,
        folder=folder,
        patient_id=study.patient_id,
        root=root,
        fingerprint="0" * 64,
        has_myocardium=myocardium,
        settings=SETTINGS,
        notes=(),
    )
