import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keras_lvseg.errors import DataError, as_data_error


@given(*[st.text()] * 5)
@example("a\nb", "c\x1e", "\x1b[2J", "\u2028", "\ud800")
def test_data_error_of_any_texts_is_one_printable_line(path, problem, hint, expected, got):
    assert str(DataError(path, problem, hint, expected, got)).isprintable()


@given(st.text())
def test_as_data_error_of_any_message_is_one_printable_line(message):
    with pytest.raises(DataError) as caught, as_data_error("a.json", "cannot be read"):
        raise KeyError(message)
    assert str(caught.value).isprintable()
