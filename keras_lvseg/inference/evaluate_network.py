"""Scores of a network on labelled frames."""

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
    """Score a network on the native grid of the frames. Pixels cut away by a crop count as errors.

    The cavity is scored on all frames. The myocardium is scored on the frames with both contours.

    Args:
        model: Network with logits of shape (B, H, W, classes).
        frames: Frames with an endocardial contour.
        preprocessing: Grid and intensities that the network was trained with.
        target: "endocardium" or "myocardium".
        contour_origin: Added to x and y of contours to get zero-based pixel centres.
        roles: Split of each patient in the training, by patient. Other patients are "new".
        flip_tta: See `predict_masks`.
        postprocess: See `predict_masks`.

    Returns:
        Scores, labels and masks.

    Raises:
        DataError: A file cannot be read, or a frame has a mask but no pixel spacing, so that distances in mm are
            unknown.

    Example:
        >>> import tempfile
        >>> from keras_lvseg import SAXDataset
        >>> from keras_lvseg.inference import TrainedNetwork
        >>> from keras_lvseg.phantom import write_phantom
        >>> folder = tempfile.mkdtemp()
        >>> _ = write_phantom(folder, patients=1, frames="contoured")
        >>> network, frames = TrainedNetwork.bundled(), SAXDataset(folder).labelled_frames("all")[:4]
        >>> scores = evaluate(
        ...     network.model, frames, preprocessing=network.preprocessing, **network.info.inference
        ... ).scores
        >>> [patient.patient_id for patient in scores.patients], scores.mean_dice > 0.5
        (['PHANTOM0001'], True)
    """
    for frame in frames:
        if frame.endocardium is None:
            problem = "has a mask but no pixel spacing, so that distances in mm are unknown"
            raise DataError(frame.path, problem, "score DICOM files with contours, or PNG images with labels")
    has_myocardium = target == "myocardium"
    labels = tuple(draw_label(frame, target, contour_origin, partial=has_myocardium) for frame in frames)
    masks = tuple(predict_masks(model, frames, preprocessing=preprocessing, flip_tta=flip_tta, postprocess=postprocess))
    scores = score_masks(frames, labels=labels, masks=masks, roles=roles)
    both = [i for i, frame in enumerate(frames) if has_myocardium and frame.epicardium is not None]
    myocardium = None
    if both:
        own_labels, own_masks = [labels[i] for i in both], [masks[i] for i in both]
        own_frames = [frames[i] for i in both]
        myocardium = score_masks(own_frames, labels=own_labels, masks=own_masks, roles=roles, class_id=2)
    contours = [_contour_score(frame, mask, contour_origin) for frame, mask in zip(frames, masks, strict=True)]
    return Evaluation(target, scores, myocardium, challenge_score(contours), tuple(frames), labels, masks)


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
