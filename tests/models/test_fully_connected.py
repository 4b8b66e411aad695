import numpy as np
import pytest
from keras import ops

from keras_lvseg.models import fully_connected
from tests.harness import arrays_of


def test_fully_connected_parameters_are_those_of_the_course():
    model = fully_connected(hidden_units=64)
    assert model.count_params() == 12_714_048
    assert model.output_shape == (None, 256, 256, 2)
    assert model.output.dtype == "float32"


def test_fully_connected_other_input_shape_gives_logits_of_that_size():
    (image,) = arrays_of([(2, 3, 5, 2)])
    model = fully_connected((3, 5, 2), num_classes=4, hidden_units=6)
    assert model.count_params() == (3 * 5 * 2 + 1) * 6 + (6 + 1) * 3 * 5 * 4
    assert tuple(model(image).shape) == (2, 3, 5, 4)


def test_fully_connected_output_is_logits():
    model = fully_connected((2, 2, 1), hidden_units=3)
    bias = model.get_layer("scores").weights[1]
    bias.assign(np.arange(8) - 20.0)
    logits = ops.convert_to_numpy(model(np.zeros((1, 2, 2, 1), "float32")))
    np.testing.assert_allclose(logits.ravel(), np.arange(8) - 20.0)


def test_fully_connected_names_are_stable():
    model = fully_connected((2, 2, 1))
    assert [layer.name for layer in model.layers] == ["image", "pixels", "hidden", "scores", "logits"]
    assert model.name == "fully_connected"
    assert fully_connected((2, 2, 1), name="mine").name == "mine"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"input_shape": (0, 4, 1)},
        {"input_shape": (None, 4, 1)},
        {"input_shape": (4, 4, 0)},
        {"input_shape": (4, 4)},
        {"num_classes": 1},
        {"hidden_units": 0},
    ],
)
def test_fully_connected_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match=rf"Invalid value for argument `{next(iter(kwargs))}`. Expected .* Received: "):
        fully_connected(**kwargs)
