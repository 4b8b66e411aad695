import re

import pytest

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.training.settings import TrainingSettings, recipe_grid


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "vnet"}, "argument `model`. Expected one of fully_connected, fcn, unet. "),
        ({"loss": "dice"}, "argument `loss`. Expected one of dice_ce, ce. "),
        ({"augmentation": True}, "argument `augmentation`. Expected one of broad, full, plain, none. "),
        ({"learning_rate": 0}, "argument `learning_rate`. Expected a number above 0. "),
        ({"learning_rate": float("nan")}, "argument `learning_rate`. Expected a number above 0. "),
        ({"epochs": -1}, "argument `epochs`. Expected a number above 0. "),
        ({"steps": 0}, "argument `steps`. Expected a number above 0. "),
        ({"batch_size": 0}, "argument `batch_size`. Expected a number above 0. "),
        ({"filters": 0}, "argument `filters`. Expected a number above 0. "),
        ({"crop": 0}, "argument `crop`. Expected a number above 0. "),
        ({"phantoms": -1}, "argument `phantoms`. Expected a number of 0 or more. "),
        ({"weight_decay": -0.1}, "argument `weight_decay`. Expected a number of 0 or more. "),
        ({"weight_decay": float("nan")}, "argument `weight_decay`. Expected a number of 0 or more. "),
        ({"decay_rate": 0.5}, "argument `decay_steps`. Expected a number exactly if"),
        ({"decay_steps": 10}, "argument `decay_steps`. Expected a number exactly if"),
        ({"decay_rate": 0.0, "decay_steps": 10}, "argument `decay_rate`. Expected a number above 0. "),
    ],
)
def test_training_settings_invalid_value_raises(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        TrainingSettings(**arguments)
    assert "Received: " in str(caught.value)


@pytest.mark.parametrize("model", ["unet", "fcn", "fully_connected"])
def test_recipe_grid_is_in_mm_for_unet_and_in_pixels_for_others(model):
    grid = Preprocessing(**recipe_grid(model))
    rows, columns = grid.image_size
    assert rows == columns
    if model == "unet":
        assert rows * grid.pixel_spacing == 216
        assert rows % 2**4 == 0  # halved four times without a remainder
        assert TrainingSettings().crop < rows
    else:
        assert (rows, grid.pixel_spacing) == (256, None)


def test_recipe_grid_changed_by_the_caller_stays_the_same():
    recipe_grid("unet")["image_size"] = (8, 8)
    assert recipe_grid("unet")["image_size"] == (144, 144)
