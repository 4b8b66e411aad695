import numpy as np
import pytest
from keras import ops

from keras_lvseg.ops.shapes import (
    fit_label_maps,
    fit_labels_to_scores,
    fit_prediction_to_one_hot,
    flatten_images,
    split_sample_weight,
)


def zeros(*shape):
    return ops.zeros(shape)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ((2, 3, 4), (2, 3, 4, 2)),
        ((2, 3, 4, 1), (2, 3, 4, 2)),
        ((2,), (2, 5)),
        ((2, 1), (2, 5)),
        ((2, 3, 1), (2, 3, 1, 2)),
    ],
)
def test_fit_labels_to_scores_fitting_shapes_returns_labels(labels, scores):
    assert tuple(fit_labels_to_scores(zeros(*labels), zeros(*scores)).shape) == scores[:-1]


@pytest.mark.parametrize(
    ("labels", "scores"),
    [((2, 3, 4), (2, 3, 4, 1)), ((2, 3), (2, 3)), ((2, 3), (2, 3, 1, 2)), ((2, 3, 1, 1), (2, 3, 2)), ((), (2,))],
)
def test_fit_labels_to_scores_other_shapes_raises(labels, scores):
    with pytest.raises(ValueError, match="C >= 2") as error:
        fit_labels_to_scores(zeros(*labels), zeros(*scores), "Try this. ")
    assert f"Try this. Received: y_true.shape={labels}, y_pred.shape={scores}" in str(error.value)


@pytest.mark.parametrize(
    ("labels", "prediction", "pixels"),
    [
        ((2, 3, 4), (2, 3, 4), (2, 3, 4)),
        ((2, 3, 4, 1), (2, 3, 4), (2, 3, 4)),
        ((2, 3, 4), (2, 3, 4, 1), (2, 3, 4)),
        ((2, 3, 4, 1), (2, 3, 4, 1), (2, 3, 4)),
        ((2, 3, 1, 1), (2, 3, 1), (2, 3, 1)),
        ((2,), (2, 1), (2,)),
        ((1,), (1,), (1,)),
    ],
)
def test_fit_label_maps_fitting_shapes_returns_both(labels, prediction, pixels):
    fitted = fit_label_maps(zeros(*labels), zeros(*prediction))
    assert [tuple(x.shape) for x in fitted] == [pixels, pixels]


@pytest.mark.parametrize(("prediction", "is_map"), [((2, 3, 4), False), ((2, 3), True), ((2, 3, 1), True)])
def test_fit_prediction_to_one_hot_fitting_shapes_returns_prediction(prediction, is_map):
    fitted = fit_prediction_to_one_hot(zeros(2, 3, 4), zeros(*prediction), is_map)
    assert tuple(fitted.shape) == ((2, 3) if is_map else (2, 3, 4))


@pytest.mark.parametrize(("prediction", "is_map"), [((2, 3), False), ((2, 3, 1), False), ((2, 3, 4), True)])
def test_fit_prediction_to_one_hot_other_shapes_raises(prediction, is_map):
    with pytest.raises(ValueError, match=r"sparse_y_true=False.*Received: y_true.shape=\(2, 3, 4\)"):
        fit_prediction_to_one_hot(zeros(2, 3, 4), zeros(*prediction), is_map)


def test_split_sample_weight_rank_separates_images_from_pixels():
    pixels = zeros(4, 4, 4)
    assert split_sample_weight(None, pixels) == (None, None)
    images, none = split_sample_weight(np.arange(4), pixels)
    assert none is None
    assert ops.convert_to_numpy(images).tolist() == [0, 1, 2, 3]
    for shape in ((4, 4, 4), (4, 4, 4, 1)):
        none, of_pixels = split_sample_weight(np.ones(shape, int), pixels)
        assert none is None
        assert tuple(of_pixels.shape) == (4, 4, 4)


def test_flatten_images_any_axes_gives_two():
    assert tuple(flatten_images(zeros(2, 3, 4)).shape) == (2, 12)
    assert tuple(flatten_images(zeros(2)).shape) == (2, 1)
    assert tuple(flatten_images(zeros(0, 3, 4)).shape) == (0, 12)
