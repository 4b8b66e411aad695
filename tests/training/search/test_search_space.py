import pytest

from keras_lvseg.errors import DataError
from keras_lvseg.training import TrainingSettings, read_space
from keras_lvseg.training.search.search_space import COURSE_SPACE, check_space, suggest_settings


class EndOfRange:
    """A trial that takes the first or the last value of each range, and records the scales."""

    def __init__(self, end):
        self.end, self.log = end, {}

    def suggest_int(self, name, low, high, *, log):
        self.log[name] = log
        return (low, high)[self.end]

    suggest_float = suggest_int

    def suggest_categorical(self, name, choices):
        return choices[self.end]


def test_suggest_settings_draws_each_setting_from_its_range():
    space = {**COURSE_SPACE, "augmentation": ["plain", "full", "broad"], "postprocess": [False, True]}
    check_space(space, TrainingSettings())
    for end in (0, -1):
        trial = EndOfRange(end)
        settings = suggest_settings(trial, space, TrainingSettings(filters=3))
        assert {name: getattr(settings, name) for name in space} == {name: space[name][end] for name in space}
        assert settings.filters == 3
        assert trial.log == {"learning_rate": True, "decay_rate": True, "decay_steps": True, "epochs": True}
    check_space({"weight_decay": (0, 1), "epochs": (5, 9)}, TrainingSettings())
    trial = EndOfRange(0)
    suggest_settings(trial, {"weight_decay": (0, 1), "epochs": (5, 9)}, TrainingSettings())
    assert trial.log == {"weight_decay": False, "epochs": False}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a search space (Invalid value for argument `space`. Expected a setting to vary."),
        ("epoch = [1, 2]", "has an unknown key 'epoch'; the nearest is 'epochs'"),
        ("epochs = 3", "has a wrong epochs; expected a list, got 3"),
        ("epochs = [3]", "is not a search space (Invalid value for argument `epochs`. Expected the lowest and"),
        ("epochs = [3, 2]", "is not a search space (Invalid value for argument `epochs`. Expected the lowest and"),
        (
            "epochs = [1, 2.5]",
            "is not a search space (Invalid value for argument `epochs`. Expected values of the type",
        ),
        ("epochs = [0, 5]", "is not a search space (Invalid value for argument `epochs`. Expected a number above 0."),
        ('model = ["unet", "vnet"]', "is not a search space (Invalid value for argument `model`. Expected one of"),
        ("model = []", "is not a search space (Invalid value for argument `model`. Expected values of the type"),
    ],
)
def test_read_space_invalid_file_is_one_line(tmp_path, content, message):
    path = tmp_path / "space.toml"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_space(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert len(str(caught.value).splitlines()) == 1
