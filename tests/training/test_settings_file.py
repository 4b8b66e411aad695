import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_lvseg.errors import DataError
from keras_lvseg.training import TrainingSettings, read_settings, write_settings

POSITIVE = st.floats(min_value=1e-12, max_value=1e12)
WHOLE = st.integers(1, 2**40)


def choices(name):
    return st.sampled_from(typing.get_args(typing.get_type_hints(TrainingSettings)[name]))


@given(
    st.builds(
        TrainingSettings,
        model=choices("model"),
        loss=choices("loss"),
        learning_rate=POSITIVE,
        decay_rate=POSITIVE,
        decay_steps=WHOLE,
        weight_decay=POSITIVE,
        steps=st.none() | WHOLE,
        seed=WHOLE,
        flip_tta=st.booleans(),
        dtype=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_settings_file_written_and_read_gives_the_same_settings(tmp_path_factory, settings):
    path = tmp_path_factory.getbasetemp() / "settings.toml"
    write_settings(path, settings)
    assert read_settings(path) == settings


def test_read_settings_empty_file_gives_the_defaults(tmp_path):
    (tmp_path / "settings.toml").touch()
    assert read_settings(tmp_path / "settings.toml") == TrainingSettings()


@pytest.mark.parametrize("field", dataclasses.fields(TrainingSettings), ids=lambda field: field.name)
def test_read_settings_value_of_another_type_is_one_line(tmp_path, field):
    path = tmp_path / "settings.toml"
    path.write_text(f"{field.name} = [1]\n")
    with pytest.raises(DataError, match=rf"settings.toml: has a wrong {field.name}; expected .*, got \[1\]"):
        read_settings(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epochs = 2.0", "has a wrong epochs; expected a whole number, got 2.0"),
        (
            f"learning_rate = 1{400 * '0'}",
            "has a wrong learning_rate (int too large to convert to float); exp",
        ),
        ("epochs = true", "has a wrong epochs; expected a whole number, got True"),
        ("flip_tta = 1", "has a wrong flip_tta; expected true or false, got 1"),
        ("epochs = 0", "has a wrong value (Invalid value for argument `epochs`. Expected a number above 0."),
        ('model = "vnet"', "has a wrong value (Invalid value for argument `model`. Expected one of"),
        ("[training]\nepochs = 2", "has an unknown key 'training'"),
        ("decay_step = 2", "has an unknown key 'decay_step'; the nearest is 'decay_steps'"),
        ("epochs 2", "is not valid TOML"),
        ("\xff", "is not valid TOML"),
        ("epochs = " + "[" * 5000, "is not valid TOML"),
        ("#" * 200_000, "is too large"),
    ],
)
def test_read_settings_invalid_file_is_one_line(tmp_path, content, message):
    path = tmp_path / "settings.toml"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(DataError) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert len(str(caught.value).splitlines()) == 1
