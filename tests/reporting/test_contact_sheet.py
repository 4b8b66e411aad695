import numpy as np
import pytest
from matplotlib.image import imread

from keras_lvseg.reporting import write_contact_sheet


def count_colours(path):
    """Return the numbers of clearly red and clearly green pixels."""
    red, green, _ = np.moveaxis(imread(path)[..., :3], -1, 0)
    return (red - green > 0.3).sum(), (green - red > 0.3).sum()


def test_write_contact_sheet_draws_labels_in_green_and_predictions_in_red(evaluation, tmp_path):
    frames, labels, masks = evaluation.frames, evaluation.labels, evaluation.masks
    dices = [image.dice for image in evaluation.scores.images]
    write_contact_sheet(tmp_path / "both.png", frames, labels=labels, masks=masks, dices=dices)
    red, green = count_colours(tmp_path / "both.png")
    assert red > 1000 < green
    empty = [np.zeros_like(mask) for mask in masks]
    write_contact_sheet(tmp_path / "label.png", frames, labels=labels, masks=empty, dices=dices)
    red, green = count_colours(tmp_path / "label.png")
    assert red == 0 < 1000 < green


def test_write_contact_sheet_of_one_frame_draws_it(evaluation, tmp_path):
    path = tmp_path / "one.png"
    write_contact_sheet(
        path, evaluation.frames[:1], labels=evaluation.labels[:1], masks=evaluation.masks[:1], dices=[0.5]
    )
    assert imread(path).std() > 0.1


def test_write_contact_sheet_with_a_count_draws_that_many_frames(evaluation, tmp_path):
    frames, labels, masks = evaluation.frames, evaluation.labels, evaluation.masks
    dices = [image.dice for image in evaluation.scores.images]
    heights = []
    for count in (2, 4):  # one row and two rows of two frames
        path = tmp_path / f"{count}.png"
        write_contact_sheet(path, frames, labels=labels, masks=masks, dices=dices, count=count)
        heights.append(len(imread(path)))
    assert np.diff(heights) == pytest.approx(228, abs=2)  # 1.9 inches of 120 pixels
