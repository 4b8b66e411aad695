"""Scores of a training run on the patients of a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from keras_lvseg.data import SAXDataset
from keras_lvseg.errors import DataError
from keras_lvseg.evaluation import Evaluation
from keras_lvseg.inference.evaluate_network import evaluate
from keras_lvseg.inference.trained_network import TrainedNetwork
from keras_lvseg.models.pretrained import pretrained_names
from keras_lvseg.training.run_folder import RunFolder

_SEEN = ("train", "validation")


def evaluate_run(
    run: str | os.PathLike[str],
    data_dir: str | os.PathLike[str],
    *,
    seen: bool = False,
    labels_include_outline: bool = False,
    label_values: Mapping[str, int] | None = None,
) -> Evaluation:
    """Score the network of a training run, or the bundled one, on patients that it was not trained on.

    The cavity is scored on every frame with an endocardial contour, the myocardium on the frames with both contours.

    Args:
        run: Folder of a finished training run, or the name of bundled weights, see
            `keras_lvseg.models.pretrained_names`. Nothing in the folder can run code.
        data_dir: Folder with labelled data.
        seen: Score the patients of the training and validation splits as well.
        labels_include_outline: Score against corrected label images, see `SAXDataset`.
        label_values: Values in label NIfTI files, see `SAXDataset`.

    Returns:
        Scores, labels and masks.

    Raises:
        DataError: Run or data cannot be read, or there is no patient to score.
    """
    network, roles = _load(run)
    target, origin = network.info.data["target"], network.info.data["contour_origin"]
    dataset = SAXDataset(
        data_dir,
        target=target,
        contour_origin=origin,
        labels_include_outline=labels_include_outline,
        label_values=label_values,
        partial=target == "myocardium",  # a frame without an epicardial contour still has a cavity to score
    )
    labelled = dataset.labelled_frames("all")
    if not labelled:
        raise DataError(data_dir, "has no contour and no label of the cavity")
    frames = [frame for frame in labelled if seen or roles.get(frame.patient_id) not in _SEEN]
    if not frames:
        problem = f"has no labelled frame of a patient that {os.fspath(run)} was not trained on"
        raise DataError(data_dir, problem, "name other data, or score seen patients too (--seen, or seen=True)")
    return evaluate(
        network.model,
        frames,
        preprocessing=network.preprocessing,
        target=target,
        contour_origin=origin,
        roles=roles,
        **network.info.inference,
    )


def _load(run: str | os.PathLike[str]) -> tuple[TrainedNetwork, dict[str, str]]:
    """Return a network and the split of each of its patients."""
    if run in pretrained_names():
        network = TrainedNetwork.bundled(str(run))
        return network, dict.fromkeys(network.info.training["patients"], "train")
    return TrainedNetwork.from_run(run), RunFolder(Path(run)).roles()
