import numpy as np
import pytest
from keras import ops

from keras_lvseg.models import fcn
from tests.harness import arrays_of, outputs_of


def test_fcn_parameters_are_those_of_the_course():
    model = fcn()
    assert model.count_params() == 1_857_848
    assert model.output_shape == (None, 256, 256, 2)
    assert model.output.dtype == "float32"


@pytest.mark.parametrize("size", [(16, 16), (32, 48)])
def test_fcn_images_of_multiples_of_16_give_logits_of_that_size(size):
    (image,) = arrays_of([(2, *size, 3)])
    for shape in ((*size, 3), (None, None, 3)):
        assert outputs_of(fcn(shape, num_classes=4, filters=(2, 3, 4, 5)), image).shape == (2, *size, 4)


def test_fcn_scores_may_be_negative():
    """There is no relu before the upsampling."""
    model = fcn((32, 32, 1), filters=(2, 2, 2, 2))
    kernel, bias = model.get_layer("scores").weights
    kernel.assign(ops.zeros(kernel.shape))
    bias.assign([-1.0, 2.0])
    logits = outputs_of(model, np.zeros((1, 32, 32, 1), "float32"))[0, 15:17, 15:17]
    np.testing.assert_allclose(logits[..., 0], -1, atol=1e-5)  # bilinear weights keep a constant
    np.testing.assert_allclose(logits[..., 1], 2, atol=1e-5)


def test_fcn_names_are_stable():
    model = fcn(filters=(2, 2, 2, 2))
    names = ["image", "conv_1", "pool_1", "conv_2", "pool_2", "conv_3", "conv_4", "scores", "logits"]
    assert [layer.name for layer in model.layers] == names
    assert model.name == "fcn"
    assert fcn(name="mine").name == "mine"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"input_shape": (250, 256, 1)},
        {"input_shape": (256, 8, 1)},
        {"input_shape": (0, 16, 1)},
        {"input_shape": (16, 16)},
        {"input_shape": (16, 16, 0)},
        {"num_classes": 1},
        {"filters": (100, 200, 300)},
        {"filters": (100, 200, 300, 0)},
    ],
)
def test_fcn_invalid_argument_raises(kwargs):
    with pytest.raises(ValueError, match=rf"Invalid value for argument `{next(iter(kwargs))}`. Expected .* Received: "):
        fcn(**kwargs)
