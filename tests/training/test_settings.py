import pytest

from keras_lvseg.data.preprocessing import Preprocessing
from keras_lvseg.training.settings import TrainingSettings, recipe_grid


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "vnet"}, "model has to be one of fully_connected, fcn, unet"),
        ({"loss": "dice"}, "loss has to be one of dice_ce, ce"),
        ({"augmentation": True}, "augmentation has to be one of full, plain, none"),
        ({"learning_rate": 0}, "learning_rate has to be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate has to be above 0"),
        ({"epochs": -1}, "epochs has to be above 0"),
        ({"batch_size": 0}, "batch_size has to be above 0"),
        ({"filters": 0}, "filters has to be above 0"),
        ({"crop": 0}, "crop has to be above 0"),
        ({"phantoms": -1}, "phantoms has to be 0 or more"),
        ({"weight_decay": -0.1}, "weight_decay has to be 0 or more"),
        ({"weight_decay": float("nan")}, "weight_decay has to be 0 or more"),
        ({"decay_rate": 0.5}, "decay_rate and decay_steps go together"),
        ({"decay_steps": 10}, "decay_rate and decay_steps go together"),
        ({"decay_rate": 0.0, "decay_steps": 10}, "decay_rate has to be above 0"),
    ],
)
def test_ill_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        TrainingSettings(**arguments)
    assert "Received: " in str(caught.value)


@pytest.mark.parametrize("model", ["unet", "fcn", "fully_connected"])
def test_a_u_net_sees_millimetres_and_the_course_s_networks_pixels(model):
    grid = Preprocessing(**recipe_grid(model))
    rows, columns = grid.image_size
    assert rows == columns
    if model == "unet":
        assert rows * grid.pixel_spacing == 216
        assert rows % 2**4 == 0  # halved four times without a remainder
        assert TrainingSettings().crop < rows
    else:
        assert (rows, grid.pixel_spacing) == (256, None)


def test_a_recipe_grid_is_the_caller_s_to_change():
    recipe_grid("unet")["image_size"] = (8, 8)
    assert recipe_grid("unet")["image_size"] == (144, 144)
