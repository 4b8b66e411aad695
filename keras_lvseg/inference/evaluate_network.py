"""A network on labelled frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_lvseg.data.labels import Target, draw_label
from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.errors import DataError
from keras_lvseg.evaluation import ContourScore, Evaluation, challenge_score, score_contour, score_masks
from keras_lvseg.geometry import CONTOUR_ORIGIN
from keras_lvseg.inference.predict import predict_masks
from keras_lvseg.studies.frame import Frame
from keras_lvseg.studies.frame_contours import read_frame_contour


def evaluate(
    model: keras.Model,
    frames: Sequence[Frame],
    *,
    preprocessing: Preprocessing,
    target: Target = "endocardium",
    contour_origin: float = CONTOUR_ORIGIN,
    roles: Mapping[str, str] | None = None,
    flip_tta: bool = False,
    postprocess: bool = False,
) -> Evaluation:
    """Score a network on the frames' own grids: what a crop cuts away counts as the error that it is.

    Args:
        model: A network that gives logits of shape (batch, H, W, classes).
        frames: Frames with the target's contours.
        preprocessing: What the network was trained with.
        target: What it was trained to find.
        contour_origin: Added to the contours' x and y to get zero-based pixel centres.
        roles: By patient, the split that the patient stood in when the network was trained; "new" for others.
        flip_tta: See `predict_masks`.
        postprocess: See `predict_masks`.

    Returns:
        Scores, labels and masks.

    Raises:
        DataError: A file cannot be read, or a frame comes with a mask alone: distances in mm need its spacing.
    """
    for frame in frames:
        if frame.endocardium is None:
            problem = "holds masks and no spacing, which distances in mm are made of"
            raise DataError(frame.path, problem, "score on DICOM files with contours, or on pictures with labels")
    labels = tuple(draw_label(frame, target, contour_origin) for frame in frames)
    masks = tuple(predict_masks(model, frames, preprocessing=preprocessing, flip_tta=flip_tta, postprocess=postprocess))
    scores = score_masks(frames, labels=labels, masks=masks, roles=roles)
    contours = [_contour_score(frame, mask, contour_origin) for frame, mask in zip(frames, masks, strict=True)]
    return Evaluation(target, scores, challenge_score(contours), tuple(frames), labels, masks)


def _contour_score(frame: Frame, mask: np.ndarray, contour_origin: float) -> ContourScore:
    manual = read_frame_contour(frame, "endocardium", contour_origin=contour_origin)
    return score_contour(
        mask == 1,
        manual,
        pixel_spacing=frame.pixel_spacing,
        patient_id=frame.patient_id,
        slice=frame.slice,
        phase=frame.phase,
    )
