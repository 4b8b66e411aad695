"""A finished run's network on the patients of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.evaluation import Evaluation
from keras_lvseg.inference.evaluate import evaluate
from keras_lvseg.training.run_folder import RunFolder

_SEEN = ("train", "validation")  # splits whose patients a network was trained on, or followed along with


def evaluate_run(
    run: RunFolder, data_dir: str | os.PathLike[str], seen: bool = False, labels_include_outline: bool = False
) -> Evaluation:
    """Score a run's network on patients that it has not seen.

    Args:
        run: A finished training run.
        data_dir: A folder with labelled data, in any tree that is known.
        seen: Score the patients that it was trained on as well.
        labels_include_outline: Hold it against repaired label pictures, see `SAXDataset`.

    Returns:
        Scores, labels and masks.

    Raises:
        DataError: Run or data cannot be read, or there is nobody to score.
    """
    model, target, origin = run.load_model(), run.target(), run.contour_origin()
    roles = run.patients()
    dataset = SAXDataset(data_dir, target=target, contour_origin=origin, labels_include_outline=labels_include_outline)
    labelled = dataset.labelled_frames("all")
    frames = [frame for frame in labelled if seen or roles.get(frame.patient_id) not in _SEEN]
    if not frames:
        problem = f"has no labelled frame of a patient that {run.path} was not trained on"
        raise DataError(Path(data_dir), problem, "name other data, or ask for seen patients too")
    return evaluate(model, frames, run.preprocessing(), target, origin, roles, **run.inference_options())
