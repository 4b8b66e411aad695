import pytest

from keras_lvseg.reporting import terminal_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\u00e9 [bold] :heart:", "caf\u00e9 [bold] :heart:"),
        ("a\nb\tc\x1b[2J", r"a\nb\tc\x1b[2J"),
        ("left\u202eright", r"left\u202eright"),
        ("\udce9", r"\udce9"),
    ],
)
def test_terminal_text_escapes_what_is_not_printable_and_nothing_else(printed, text, shown):
    assert printed(terminal_text(text)) == f"{shown}\n"
